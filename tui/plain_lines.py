"""What the plain mode says, as lines: findings with what to copy, the plan, how a run ended. Pure, no colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.models.plan import Plan
from core.models.results import Cause
from tui.borrow import inert
from tui.items import COMMAND_MAX, Item, fixes_of, places_of
from tui.theme import look

if TYPE_CHECKING:
    from core.service import RunView

INDENT = "     "


def finding_lines(found: Item) -> list[str]:
    """A finding or a cause: word, id, where, what was seen, the fix in words, and its commands ready to copy."""
    title = f": {found.title}" if found.title else ""
    head = f"{look(found.verdict.value).word}: {found.id} {' '.join(found.rules)} {places_of(found)}{title}"
    lines = [inert(head, 600), f"{INDENT}{inert(found.detail, 1000)}"]
    lines += [f"{INDENT}fix: {inert(fix, 1000)}" for fix in fixes_of(found)]
    where = ""
    for each in found.commands:
        if each.where != where:
            where = each.where
            lines.append(f"{INDENT}on {inert(where, 120)}:")
        if each.warning:
            lines.append(f"{INDENT}CAREFUL: {inert(each.warning, 600)}")
        said = f"$ {inert(each.text, COMMAND_MAX)}" if each.text else inert(each.withheld, 600)
        lines.append(f"{INDENT}{said}")
    if isinstance(found, Cause) and found.dependants:
        behind = ", ".join(dict.fromkeys(each.id for each in found.dependants))
        lines.append(f"{INDENT}{len(found.dependants)} more follow from it: {inert(behind, 1000)}")
    return lines


def plan_lines(plan: Plan) -> list[str]:
    """Every step with its commands and its undo, then what to know and what stays for a person."""
    lines: list[str] = []
    for number, step in enumerate(plan.steps, 1):
        lines.append(f"{number}. {inert(step.title)}{' (no way back)' if step.is_point_of_no_return else ''}")
        lines += [f"{INDENT}{inert(command, COMMAND_MAX)}" for command in step.commands]
        lines += [f"{INDENT}undo: {inert(command, COMMAND_MAX)}" for command in step.undo_commands]
        lines += [f"{INDENT}undo needs: {inert('; '.join(step.undo_needs), 1000)}"] if step.undo_needs else []
        lines += (
            [f"{INDENT}undo does not bring back: {inert(step.undo_note, 1000)}"] if step.undo_note else []
        )
    lines += [f"know before you confirm: {each.id}: {inert(each.text, 1000)}" for each in plan.warnings]
    lines += ["Cannot be verified with these connections; confirming the plan accepts this:"] * bool(
        plan.unobservable
    )
    lines += [f"{INDENT}{inert(each.title)}: {inert(each.why, 1000)}" for each in plan.unobservable]
    for left in plan.by_hand:
        lines.append(f"left for you, never run by poolwright: {inert(left.what)} at {inert(left.where)}")
        lines += [f"{INDENT}{inert(left.why, 1000)}"] if left.why else []
        lines += [f"{INDENT}$ {inert(command, COMMAND_MAX)}" for command in left.commands]
    return lines


def result_lines(view: RunView) -> list[str]:
    """How a run ended."""
    lines = [
        f"outcome: {view.outcome.word if view.outcome else view.state.value}",
        *([inert(view.message)] if view.message else []),
    ]
    words = {True: "holds", False: "DOES NOT HOLD", None: "not seen"}
    if view.out_of_date:
        lines.append(f"Out of date: {view.out_of_date}")
    else:
        lines += [
            f"{words[each.holds]}: {inert(each.title)}: {inert(each.detail)}" for each in view.verification
        ]
    for left in view.residue:
        lines.append(f"left behind: {inert(left.what)} at {inert(left.where)}")
        lines += [f"{INDENT}{inert(command, COMMAND_MAX)}" for command in left.commands]
    return lines
