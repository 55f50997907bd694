"""Findings and causes as the screens and the lines speak of them: where, what to do, what to copy. Pure."""

from __future__ import annotations

from core.models.results import Cause, CheckResult
from tui.borrow import inert

Item = CheckResult | Cause
Key = tuple[str, ...]
CALM = ("pass", "not_applicable", "info", "waived")
COMMAND_MAX = 2000  # characters of one command; longer ones are cut, which `withheld` would have said before


def key_of(item: Item) -> Key:
    """What stays the same when a finding is looked at again."""
    return item.key if isinstance(item, CheckResult) else (item.id, *item.targets)


def results_of(item: Item) -> list[tuple[str, str]]:
    """Keys of the results a finding or a cause is made of."""
    return [item.key] if isinstance(item, CheckResult) else [(item.id, target) for target in item.targets]


def where_of(item: Item) -> str:
    """The server, or how many of them."""
    if isinstance(item, CheckResult):
        return item.target
    return item.targets[0] if len(item.targets) == 1 else f"{len(item.targets)} places"


def fixes_of(item: Item) -> tuple[str, ...]:
    """The remedies in words."""
    if isinstance(item, Cause):
        return item.fixes
    return (item.fix,) if item.fix and item.verdict.value not in ("pass", "not_applicable") else ()


def fix_lines(item: Item) -> list[str]:
    """What to copy: the commands, each place named before its own where there are several; else the words."""
    ready = [each for each in item.commands if each.text]
    if not ready:
        return [inert(fix, COMMAND_MAX) for fix in fixes_of(item)]
    places = list(dict.fromkeys(each.where for each in ready))
    lines: list[str] = []
    for place in places:
        lines += [f"# on {inert(place, 80)}"] if len(places) > 1 else []
        lines += [inert(each.text, COMMAND_MAX) for each in ready if each.where == place]
    return lines


def places_of(item: Item) -> str:
    """Every place it concerns."""
    return item.target if isinstance(item, CheckResult) else ", ".join(item.targets)
