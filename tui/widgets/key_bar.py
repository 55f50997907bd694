"""The last line: keys of this screen and what they do. Unlike Textual's Footer it never lays the screen out again when
the focus moves, which would repaint everything (7 KB a key at 80x24) on a slow line.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from rich.text import Text
from textual import events
from textual.binding import Binding
from textual.screen import Screen
from textual.widgets import Static
from typing_extensions import override

from tui.keys import key_of, name_of

if TYPE_CHECKING:
    from tui.app import PoolwrightApp


class KeyBar(Static):
    """Keys and words, as many as there is room for (F1 lists all); a click does what the key does."""

    DEFAULT_CSS = """
    KeyBar { dock: bottom; height: 1; background: $pw-panel; color: $pw-foreground; text-wrap: nowrap; }
    """

    def __init__(self, bindings: Iterable[Binding]) -> None:
        super().__init__("", markup=False)
        self.keys = [each for each in bindings if each.show]
        self._spans: list[tuple[int, str]] = []  # where each word ends, and its action

    @override
    def render(self) -> Text:
        own = cast("PoolwrightApp", self.app).own_keys
        made = Text(no_wrap=True)
        self._spans = []
        for each in self.keys:
            word = Text(
                f" {name_of(key_of(each, own))}", style="bold reverse" if self.app.no_color else "bold"
            )
            word.append(f" {each.description}", style="not bold not reverse")
            if self.size.width and len(made) + len(word) > self.size.width:
                break
            made.append_text(word)
            self._spans.append((len(made), each.action))
        return made

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
