"""A screen that does not paint itself again when the focus moves."""

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
