"""A screen that does not paint itself again when the focus moves, and draws what is pending when a key comes."""

from __future__ import annotations

from typing import TypeVar

from textual.reactive import Reactive
from textual.screen import Screen
from textual.widget import Widget

Result = TypeVar("Result")


class QuietScreen(Screen[Result]):
    """Textual 8.2.8 repaints the whole screen for every change of focus (5.7 KB at 80x24); the two widgets that lose
    and get it repaint themselves anyway."""

    focused: Reactive[Widget | None] = Reactive(None, repaint=False)

    def catch_up(self) -> None:
        """Take what was typed and draw what waits for its turn; nothing where nothing waits. Called before a key, a
        click or an action: they act on the state, never on what the last repaint left."""
