"""Results, plans and runs as plain text for 80 columns. Pure; what servers said was made inert before it got here."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from itertools import groupby

from core.masking import mapped
from core.models.coverage import CoverageReport, Stale, WaiverState
from core.models.events import Outcome
from core.models.plan import SWEEP_KEPT, Plan, PlanAim, Unobservable
from core.models.results import Cause, CheckResult, FixCommand, Verdict
from core.models.views import RunView
from core.platforms import catalog
from core.text import visible

WIDTH = 80
_ORDER = (Verdict.FAIL, Verdict.UNKNOWN, Verdict.WARN, Verdict.BLOCKED, Verdict.WAIVED, Verdict.INFO)
_WORD = {
    Verdict.FAIL: "FAIL",
    Verdict.WARN: "WARN",
    Verdict.UNKNOWN: "UNKNOWN",
    Verdict.BLOCKED: "BLOCKED",
    Verdict.WAIVED: "WAIVED",
    Verdict.INFO: "INFO",
}


def _wrapped(text: str, indent: str, first: str | None = None) -> list[str]:
    lines: list[str] = []
    for paragraph in text.splitlines() or [""]:
        lead = (first if first is not None else indent) if not lines else indent
        lines += textwrap.wrap(
            paragraph, WIDTH, initial_indent=lead, subsequent_indent=indent, break_on_hyphens=False
        ) or [lead.rstrip()]
    return lines


def counts_line(results: Sequence[CheckResult]) -> str:
    """`41 pass, 2 warn, 1 fail` in a fixed order, empty verdicts left out."""
    counted = [(verdict, sum(1 for each in results if each.verdict is verdict)) for verdict in Verdict]
    return ", ".join(f"{count} {verdict.value.replace('_', ' ')}" for verdict, count in counted if count)


def results_text(results: Sequence[CheckResult], *, all_of_them: bool = False) -> str:
    """Findings worst first, equal ones of several servers folded, each with what to do; then the counts."""
    shown = [
        each for each in results if all_of_them or each.verdict not in (Verdict.PASS, Verdict.NOT_APPLICABLE)
    ]
    rank = {verdict: index for index, verdict in enumerate(_ORDER)}
    shown.sort(key=lambda each: (rank.get(each.verdict, len(rank)), each.id, each.detail, each.target))
    lines: list[str] = []
    for (verdict, _, detail), same in groupby(shown, key=lambda each: (each.verdict, each.id, each.detail)):
        group = list(same)
        head = group[0]
        rules = f" {' '.join(head.rules)}" if head.rules else ""
        word = _WORD.get(verdict, verdict.value)
        lines += _wrapped(
            f"{', '.join(each.target for each in group)}: {head.title} [{head.id}{rules}]",
            " " * 9,
            f"{word:<8} ",
        )
        lines += _wrapped(detail, " " * 9)
        for words in dict.fromkeys(each.waived_by for each in group if each.waived_by):
            lines += _wrapped(words, " " * 13, " " * 9 + "waived by ")
        for fix in dict.fromkeys(each.fix for each in group if each.fix):
            lines += _wrapped(fix, " " * 13, " " * 9 + "fix: ")
        lines += commands_text([one for each in group for one in each.commands], " " * 9)
    lines.append(counts_line(results) or "nothing was checked")
    return "\n".join(lines)


def check_text(
    results: Sequence[CheckResult],
    causes: Sequence[Cause],
    coverage: CoverageReport,
    waivers: Sequence[WaiverState] = (),
    stale: Sequence[Stale] = (),
) -> str:
    """Root causes with what follows from each, then waivers, remarks, coverage and the counts."""
    lines: list[str] = []
    for cause in causes:
        lines += _cause(cause)
    remarks = [each for each in results if each.verdict is Verdict.INFO]
    for remark in remarks:
        lines += _wrapped(f"{remark.target}: {remark.title} [{remark.id}]", " " * 9, f"{'INFO':<8} ")
        lines += _wrapped(remark.detail, " " * 9)
    lines += waivers_text(waivers)
    if stale:
        lines += _wrapped(
            f"{len(stale)} result(s) should be looked at again: {_few([f'{one.id} ({one.why})' for one in stale])}",
            " " * 9,
            f"{'STALE':<8} ",
        )
    lines += coverage_text(coverage)
    lines.append(counts_line(results) or "nothing was checked")
    return "\n".join(lines)


def _cause(cause: Cause) -> list[str]:
    rules = f" {' '.join(cause.rules)}" if cause.rules else ""
    where = _few(cause.targets, 8)
    lines = _wrapped(
        f"{where}: {cause.title} [{cause.id}{rules}]", " " * 9, f"{_WORD.get(cause.verdict, ''):<8} "
    )
    lines += _wrapped(cause.detail, " " * 9)
    for fix in cause.fixes:
        lines += _wrapped(fix, " " * 13, " " * 9 + "fix: ")
    lines += commands_text(cause.commands, " " * 9)
    if cause.dependants:
        behind = dict.fromkeys(each.id for each in cause.dependants)
        count = len(cause.dependants)
        lines += _wrapped(f"behind it, {count} more: {_few(list(behind))}", " " * 13, " " * 9)
    return lines


def commands_text(commands: Sequence[FixCommand], indent: str) -> list[str]:
    """Commands ready to copy, never wrapped; a destructive one after its warning, a withheld one with the reason."""
    lines: list[str] = []
    where = ""
    for each in commands:
        if each.where != where:
            where = each.where
            lines.append(f"{indent}on {where}:")
        if each.withheld:
            lines += _wrapped(each.withheld, indent + "  ")
            continue
        if each.warning:
            lines += _wrapped(each.warning, indent + "  # ", indent + "  # CAREFUL: ")
        lines.append(f"{indent}  {each.text}")
    return lines


def waivers_text(waivers: Sequence[WaiverState]) -> list[str]:
    """Every waiver: what it covers today, or that it has ended and covers nothing."""
    lines: list[str] = []
    for one in waivers:
        where = "everywhere" if one.target == "*" else one.target
        head = f"{one.check} on {where}: {one.who} until {one.until}: {one.reason}"
        if one.is_expired:
            head += f"; it has ended and counts no more ({len(one.covers)} finding(s) stand)"
        else:
            head += f"; covers {len(one.covers)} finding(s)"
        lines += _wrapped(head, " " * 9, f"{'WAIVER':<8} ")
    return lines


def coverage_text(report: CoverageReport) -> list[str]:
    """How much was verified, why the rest is not known, and the servers that are known least."""
    overall = report.overall
    known = f"{overall.verified} verified, {overall.unknown} not known, {overall.waived} waived"
    lines = [f"coverage {overall.score_pct} %: {known}"]
    for gap in overall.gaps[:3]:
        lines += _wrapped(f"{len(gap.results)} not known: {gap.reason}", " " * 4, "  ")
    if len(overall.gaps) > 3:
        lines.append(f"  and {len(overall.gaps) - 3} further reason(s); --json has all")
    worst = sorted((own.score_pct, name) for name, own in report.servers.items() if own.total)[:3]
    if worst and worst[0][0] < overall.score_pct:
        lines += _wrapped(
            "least known: " + ", ".join(f"{name} {score} %" for score, name in worst), " " * 4, "  "
        )
    return lines


def _few(words: Sequence[str], most: int = 6) -> str:
    shown = ", ".join(words[:most])
    return f"{shown} and {len(words) - most} more" if len(words) > most else shown


def plan_text(plan: Plan) -> str:
    """Steps in order, each with its commands and the way back.

    The plan may come from a file that somebody wrote: commands are made out of the args, no character acts on a
    terminal, and no text can be taken for a line of ours. PoolwrightError when the args make no commands.
    """
    plan = _as_shown(plan)
    is_back = plan.aim is PlanAim.ROLLBACK
    what = f"Rollback of run {plan.run}, pool {plan.pool}" if is_back else f"Plan for pool {plan.pool}"
    lines = [what + (f" (release {plan.release})" if plan.release else "")]
    for number, step in enumerate(reversed(plan.steps) if is_back else plan.steps, 1):
        lines.append("")
        lines += _wrapped(f"{step.title} [{step.id}]", " " * 4, f"{number:>2}. ")
        lines += [] if is_back else _commands(step.commands, "run ")
        lines += _commands(step.undo_commands, "undo")
        if step.undo_needs:
            lines += _wrapped("; ".join(step.undo_needs), " " * 15, "    undo needs: ")
        if step.undo_note:
            lines += _wrapped(step.undo_note, " " * 10, "    note: ")
        if step.is_point_of_no_return:
            lines.append("    -- point of no return --")
    if plan.warnings:
        lines += ["", "Know before you confirm:"]
        for warning in plan.warnings:
            lines += _wrapped(f"{warning.id}: {warning.text}", "    ", "  - ")
    lines += unobservable_text(plan.unobservable)
    if plan.by_hand:
        lines += ["", "Left for you, never run by poolwright:"]
        for left in plan.by_hand:
            why = f": {left.why}" if left.why else ""
            lines += _wrapped(f"{left.what} at {left.where}{why}", "    ", "  - ")
            lines += [f"      {command}" for command in left.commands]
    return "\n".join(lines)


def sweep_text(plan: Plan) -> str:
    """A plan of a sweep; where nothing was found, whether all could be read, and what stays for which reason."""
    if plan.steps or plan.by_hand:
        return plan_text(plan)
    is_seen = all(warning.id == SWEEP_KEPT for warning in plan.warnings)
    lines = ["no left-overs were found" if is_seen else "none found among what could be read"]
    for warning in plan.warnings:
        lines += _wrapped(visible(warning.text), "    ", "  - ")
    return "\n".join(lines)


def _as_shown(plan: Plan) -> Plan:
    made = plan.with_lines(catalog.platform(plan.platform).lines_of)
    return Plan.model_validate(mapped(made.model_dump(mode="json", exclude={"basis"}), visible))


def _commands(commands: Iterable[str], word: str) -> list[str]:
    """Commands are never wrapped: they are there to be copied."""
    return [f"    {word}: {command}" for command in commands]


def unobservable_text(items: Sequence[Unobservable]) -> list[str]:
    """What the verification will not be able to check, with the reason; empty when it sees everything."""
    if not items:
        return []
    lines = ["", "Cannot be verified with these connections; confirming the plan accepts this:"]
    for item in items:
        lines += _wrapped(f"{item.title}: {item.why}", "    ", "  - ")
    return lines


def verification_text(view: RunView) -> list[str]:
    """What was looked at after the run; after a rollback only that it is out of date."""
    if not view.verification:
        return []
    if view.out_of_date:
        return ["", *_wrapped(view.out_of_date, "  ", "Out of date: ")]
    word = {True: "yes", False: "NO", None: "unknown"}
    accepted = {item.id: item.why for item in view.unobservable}
    lines = ["", "verified"]
    for item in view.verification:
        is_accepted = item.holds is None and item.id in accepted
        more = f"; accepted with the plan: {accepted[item.id]}" if is_accepted else ""
        lines += _wrapped(f"{item.title}: {item.detail}{more}", " " * 14, f"  {word[item.holds]:<11} ")
    if view.outcome is Outcome.CREATED_UNVERIFIED:
        lines += _wrapped("To verify it when the servers answer: poolwright check SPEC", "  ", "  ")
    return lines


def run_text(view: RunView) -> str:
    """One run: outcome, steps, what was verified, what is left."""
    outcome = view.outcome.word if view.outcome else view.state.value
    lines = [f"run {view.run}: pool {view.pool}: {outcome}"]
    if view.message:
        lines += _wrapped(view.message, "  ")
    if view.question:
        lines += _wrapped(f"it asks: {view.question}", "  ")
        lines += [f"    poolwright control {view.run} retry   # or: abort, leave"]
    if view.steps:
        lines += ["", "steps"]
        for step in view.steps:
            lines += _wrapped(
                f"{step.title}" + (f": {step.text}" if step.text else ""),
                " " * 14,
                f"  {step.state.value:<11} ",
            )
    lines += verification_text(view)
    if view.warnings:
        lines += ["", "gone on with"]
        for warning in view.warnings:
            lines += _wrapped(f"{warning.id}: {warning.text}", "    ", "  - ")
    if view.residue:
        lines += ["", "left behind; nothing of it was wiped"]
        for left in view.residue:
            lines += _wrapped(
                f"{left.what} at {left.where}" + (f": {left.why}" if left.why else ""), "    ", "  - "
            )
            lines += [f"      {command}" for command in left.commands]
    return "\n".join(lines)
