"""Looks around a run: before its first step (may it begin?), and after a rollback (is all as it was?)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from core.engine.journal import Entry, Journal
from core.engine.reading import Patience, said
from core.errors import JournalError
from core.models.events import EventKind
from core.models.fingerprint import Difference, Fingerprint, FingerprintItem, compare, residue_of

BEFORE, AFTER = "before", "after"


@dataclass(frozen=True, slots=True)
class Cleared:
    """The run may begin: how the world was, and what to tell the operator."""

    fingerprint: Fingerprint
    notes: Sequence[str] = field(default=())


class Guard(Protocol):
    """What the runner asks of a platform around a run; the engine never looks inside."""

    async def clear(self) -> Cleared:
        """Look before the first step; a PoolwrightError refuses the run, nothing was touched."""
        ...

    async def look_again(self) -> Fingerprint:
        """The same items after a rollback."""
        ...


def fingerprint_entry(when: str, taken: Fingerprint) -> Entry:
    """The event that records how the world was."""
    unread = [item.title for item in taken.items if item.unknown]
    text = f"{len(taken.items) - len(unread)} things recorded"
    if unread:
        text += f"; {len(unread)} cannot be read and will not be compared: {', '.join(unread[:5])}"
        text += " ..." if len(unread) > 5 else ""
    return Entry(EventKind.FINGERPRINT, text, state=when, data=taken.model_dump(mode="json"))


async def compare_again(journal: Journal, guard: Guard, patience: Patience) -> None:
    """After a rollback: write down everything that is not as it was, unless a step told of the same place already."""
    before = journal.now.fingerprint
    if before is None:
        return
    after = Fingerprint()
    differing: tuple[Difference, ...] = ()
    for attempt in range(patience.limits.read_attempts):
        if attempt:
            await patience.wait(attempt - 1)
        after, differing = await _look(journal, guard, before)
        if not any(_may_pass(one) for one in unexplained(differing, _places(journal))):
            break
    left = [residue_of(one) for one in unexplained(differing, _places(journal))]
    journal.write(
        fingerprint_entry(AFTER, after),
        *(Entry(EventKind.RESIDUE, one.what, data=one.model_dump(mode="json")) for one in left),
    )


async def _look(
    journal: Journal, guard: Guard, before: Fingerprint
) -> tuple[Fingerprint, tuple[Difference, ...]]:
    try:
        now = await guard.look_again()
        after = Fingerprint.model_validate(journal.shown(now.model_dump(mode="json")))
    except JournalError:
        raise
    except Exception as error:  # noqa: BLE001 - what nobody could look at is unknown, never clean
        after = Fingerprint(items=tuple(_unread(item, said(error)) for item in before.items))
    return after, compare(before, after)


def _unread(item: FingerprintItem, why: str) -> FingerprintItem:
    return item.model_copy(update={"value": "", "unknown": why})


def _may_pass(difference: Difference) -> bool:
    """Whether another look may help: it was unreadable, or an undo that is still settling brings it back."""
    return bool(difference.after.unknown) or difference.before.restored_by_undo


def unexplained(differing: Sequence[Difference], places: Collection[str]) -> list[Difference]:
    """Differences at places of which no step said that something is left."""
    return [one for one in differing if one.before.where not in places]


def _places(journal: Journal) -> set[str]:
    return {residue.where for step, residue in journal.now.residue.values() if step}
