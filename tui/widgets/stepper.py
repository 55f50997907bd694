"""One line that says where the operator is and which parts are complete."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual.widgets import Static

from tui import paint, wizard

if TYPE_CHECKING:
    from tui.app import PoolwrightApp
    from tui.session import Session


class Stepper(Static):
    """Glyph and word of each step; the present one is bold and marked."""

    DEFAULT_CSS = """
    Stepper { height: 1; background: $pw-panel; color: $pw-foreground; padding: 0 1; }
    """

    _shown = ""
    _theme = ""

    def show(self, app: PoolwrightApp, session: Session, here: str) -> None:
        """Draw the steps as they stand."""
        made = Text(no_wrap=True)
        wide = app.size.width >= 96
        for step in wizard.STEPS:
            name = "here" if step.id == here else _state(step.id, session)
            made.append_text(paint.state(app, name, word=False))
            made.append(" ").append(step.title, style="bold reverse" if step.id == here else "")
            made.append("   " if wide else " ")
        if made.plain != self._shown or app.theme != self._theme:
            self._shown, self._theme = made.plain, app.theme
            self.update(made, layout=False)


def _state(step_id: str, session: Session) -> str:
    if step_id in ("run", "done"):
        return "complete" if session.run_has_ended else "open"
    if session.run:
        return "complete"
    return "open" if wizard.missing(step_id, session) else "complete"
