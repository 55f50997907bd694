"""The status beside the heading: Manager, trust, and whether a run outlives this session. Words first, colour last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from tui import paint

if TYPE_CHECKING:
    from tui.app import PoolwrightApp
    from tui.session import Session


def heading(app: PoolwrightApp, session: Session, title: str, width: int) -> Text:
    """The title, and as many parts of the status as there is room for, at the right; the gravest stands first."""
    made = Text(title, no_wrap=True)
    room = width - len(title) - 2
    parts: list[Text] = []
    for part in (_survival(app), _trust(app, session), _manager(app, session)):
        need = len(part) + (3 if parts else 0)
        if part.plain and need <= room:
            parts.append(part)
            room -= need
    if parts:
        made.append(" " * (room + 2))
        made.append_text(Text("   ").join(parts))
    return made


def _survival(app: PoolwrightApp) -> Text:
    if not app.survives:
        return Text("")
    return paint.styled(app, app.survives, "warn" if app.survival_warnings else "muted")


def _trust(app: PoolwrightApp, session: Session) -> Text:
    if session.run or not session.answers.servers:
        return Text("")
    if session.trust.of("changed"):
        return paint.state(app, "changed").append(" identity")
    draft = session.draft()
    if draft is not None and session.is_trusted():
        unseen = session.trust.passed_over(draft)
        return (
            paint.styled(app, f"{unseen} not reached", "warn")
            if unseen
            else paint.styled(app, "trust confirmed", "muted")
        )
    return paint.styled(app, "trust open", "warn")


def _manager(app: PoolwrightApp, session: Session) -> Text:
    controller = session.checked.fleet.controller.state.value if session.checked is not None else "not_asked"
    if session.run:
        return Text("")
    return Text("Manager ").append_text(paint.state(app, controller))
