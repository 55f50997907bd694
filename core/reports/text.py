"""Results, plans and runs as plain text for 80 columns. Pure; what servers said was made inert before it got here."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from itertools import groupby

from core.models.plan import Plan
from core.models.results import CheckResult, Verdict
from core.models.views import RunView

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
        for fix in dict.fromkeys(each.fix for each in group if each.fix):
            lines += _wrapped(fix, " " * 13, " " * 9 + "fix: ")
    lines.append(counts_line(results) or "nothing was checked")
    return "\n".join(lines)


def plan_text(plan: Plan) -> str:
    """Steps in order, each with its commands and the way back."""
    lines = [f"Plan for pool {plan.pool}" + (f" (release {plan.release})" if plan.release else "")]
    for number, step in enumerate(plan.steps, 1):
        lines.append("")
        lines += _wrapped(f"{step.title} [{step.id}]", " " * 4, f"{number:>2}. ")
        lines += _commands(step.commands, "run ")
        lines += _commands(step.undo_commands, "undo")
        if step.undo_note:
            lines += _wrapped(step.undo_note, " " * 10, "    note: ")
        if step.is_point_of_no_return:
            lines.append("    -- point of no return --")
    if plan.warnings:
        lines += ["", "Know before you confirm:"]
        for warning in plan.warnings:
            lines += _wrapped(f"{warning.id}: {warning.text}", "    ", "  - ")
    return "\n".join(lines)


def _commands(commands: Iterable[str], word: str) -> list[str]:
    """Commands are never wrapped: they are there to be copied."""
    return [f"    {word}: {command}" for command in commands]


def run_text(view: RunView) -> str:
    """One run: outcome, steps, what was verified, what is left."""
    outcome = view.outcome.value if view.outcome else view.state.value
    lines = [f"run {view.run}: pool {view.pool}: {outcome}"]
    if view.message:
        lines += _wrapped(view.message, "  ")
    if view.steps:
        lines += ["", "steps"]
        for step in view.steps:
            lines += _wrapped(
                f"{step.title}" + (f": {step.text}" if step.text else ""),
                " " * 14,
                f"  {step.state.value:<11} ",
            )
    if view.verification:
        lines += ["", "verified"]
        word = {True: "yes", False: "NO", None: "unknown"}
        for item in view.verification:
            lines += _wrapped(f"{item.title}: {item.detail}", " " * 14, f"  {word[item.holds]:<11} ")
    if view.residue:
        lines += ["", "left behind; nothing of it was wiped"]
        for left in view.residue:
            lines += _wrapped(
                f"{left.what} at {left.where}" + (f": {left.why}" if left.why else ""), "    ", "  - "
            )
            lines += [f"      {command}" for command in left.commands]
    return "\n".join(lines)
