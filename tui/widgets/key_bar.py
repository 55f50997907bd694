"""The last line: keys of this screen and what they do. Unlike Textual's Footer it never lays the screen out again when
the focus moves, which would repaint everything (7 KB a key at 80x24) on a slow line.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.text import Text
from textual import events
from textual.binding import Binding
from textual.screen import Screen
from textual.widgets import Static


class KeyBar(Static):
    """Keys and words; a click does what the key does."""

    DEFAULT_CSS = """
    KeyBar { dock: bottom; height: 1; background: $pw-panel; color: $pw-foreground; text-wrap: nowrap; }
    """

    def __init__(self, bindings: Iterable[Binding]) -> None:
        super().__init__("", markup=False)
        self.keys = [each for each in bindings if each.show]
        self._spans: list[tuple[int, str]] = []  # where each word ends, and its action

    def on_mount(self) -> None:
        """Write the line; it stays as it is."""
        made = Text(no_wrap=True)
        for each in self.keys:
            key = each.key.split(",", 1)[0]
            made.append(f" {_name(key)}", style="bold reverse" if self.app.no_color else "bold")
            made.append(f" {each.description}")
            self._spans.append((len(made), each.action))
        self.update(made)

    async def on_click(self, event: events.Click) -> None:
        """The key under the mouse."""
        for end, action in self._spans:
            if event.x < end:
                await self.screen.run_action(action)
                return


def own_keys(screen: Screen[Any]) -> list[Binding]:
    """The bindings of a screen's own classes, the general ones first."""
    made: dict[str, Binding] = {}
    for kind in reversed(type(screen).__mro__):
        for each in vars(kind).get("BINDINGS", ()) if kind.__module__.startswith("tui.") else ():
            if isinstance(each, Binding):
                made[each.key.split(",", 1)[0]] = each
    return list(made.values())


def _name(key: str) -> str:
    short = {"delete": "Del", "escape": "Esc", "slash": "/", "enter": "Enter"}
    return short.get(key) or (key.upper() if len(key) > 1 and key[0] == "f" and key[1:].isdigit() else key)
