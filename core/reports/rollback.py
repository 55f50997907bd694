"""What a rollback would undo, as plain text for 80 columns, for whoever is about to confirm it. Pure."""

from __future__ import annotations

import textwrap
from datetime import UTC, datetime

from core.models.use import PoolUse, RollbackOutlook
from core.reports.text import WIDTH

_SHOWN = 8  # names of one kind


def rollback_text(outlook: RollbackOutlook, now: datetime | None = None) -> str:
    """Run, pool, age, members, VMs and repositories found, what could not be read, and what will be undone."""
    view = outlook.view
    state = view.outcome.word if view.outcome else "interrupted"
    lines = [f"Rollback of run {view.run}: pool {view.pool}, {state}"]
    lines += _told("started", _age(view.started_at, now or datetime.now(UTC)))
    lines += _use(outlook.use)
    count = len(outlook.to_undo)
    lines += _told("will be undone", f"{count} {'step' if count == 1 else 'steps'}")
    lines += [f"    - {title}" for title in outlook.to_undo]
    lines += _told("not touched", "storage is not erased; what the run adopted stays")
    for why in outlook.refusals:
        lines += _told("refused", why)
    return "\n".join(lines)


def _use(use: PoolUse) -> list[str]:
    if use.unread:
        lines = [line for why in use.unread for line in _told("not read", why)]
    elif use.is_there is None:
        return _told("not read", "this platform does not tell what lives on a pool")
    else:
        lines = []
    if use.is_there is False:
        return [*lines, *_told("pool", "Manager lists no such pool")]
    lists = {"members": use.members, "VMs": use.vms, "repositories": use.repositories}
    for word, names in lists.items():
        if names or not use.unread:
            lines += _told(word, f"{len(names)}: {_few(names)}" if names else "none found")
    return lines


def _age(started_at: str, now: datetime) -> str:
    """When the run began (UTC) and how long ago, in the largest unit that fits."""
    try:
        begun = datetime.fromisoformat(started_at)
    except ValueError:
        return started_at or "not known"
    begun = begun if begun.tzinfo else begun.replace(tzinfo=UTC)
    minutes = max(0, int((now - begun).total_seconds() // 60))
    for size, word in ((24 * 60, "days"), (60, "h")):
        if minutes >= 2 * size:
            return f"{begun:%Y-%m-%d %H:%M} UTC, {minutes // size} {word} ago"
    return f"{begun:%Y-%m-%d %H:%M} UTC, {minutes} min ago"


def _few(names: tuple[str, ...]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _told(word: str, text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=f"  {word}: ", subsequent_indent="      ")
