"""What lives on a pool, and what a rollback of its run would undo. Pure data."""

from __future__ import annotations

from dataclasses import dataclass

from core.models.views import RunView


@dataclass(frozen=True, slots=True)
class PoolUse:
    """What lives on a pool now, as its controller tells it.

    `is_there` is None when nobody could tell or looks; `unread` names what could not be read, with the reason: then
    an empty list says nothing.
    """

    is_there: bool | None = None
    members: tuple[str, ...] = ()
    vms: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RollbackOutlook:
    """What must be seen before a rollback is confirmed. `is_whole`: every step holds, so a finished pool is taken down.

    `to_undo` are titles, in the order in which they would be undone. `refusals` say why it will not be done; empty
    when it may be.
    """

    view: RunView
    is_whole: bool
    to_undo: tuple[str, ...]
    use: PoolUse
    refusals: tuple[str, ...] = ()


def why_not_undo(use: PoolUse, *, is_whole: bool) -> tuple[str, ...]:
    """Why a pool with this use is not taken down.

    What nobody could read keeps a whole pool; a half-made one is rolled back all the same, and its steps look again
    before each undo.
    """
    found = []
    if use.vms:
        found.append(f"VMs live in it: {', '.join(use.vms)}")
    if use.repositories:
        found.append(f"repositories live in it: {', '.join(use.repositories)}")
    if is_whole:
        found += use.unread
    return tuple(found)
