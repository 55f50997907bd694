"""One line that holds one of a few choices: left, right, space or a letter changes it, enter goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from typing_extensions import override


class Choice(Widget, can_focus=True):
    """A selector of one line that needs no overlay and no mouse."""

    DEFAULT_CSS = """
    Choice { height: 1; width: 1fr; background: $pw-surface; color: $pw-foreground; }
    Choice:focus { background: $pw-selected; color: $pw-on-selected; text-style: bold; }
    Choice:focus:nocolor { text-style: reverse; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "shift(-1)", "Previous choice", show=False, id="choice.previous"),
        Binding("right,space", "shift(1)", "Next choice", show=False, id="choice.next"),
        Binding("enter", "submit", "Go on", show=False, id="choice.submit"),
    ]

    @dataclass
    class Changed(Message):
        """Another choice stands."""

        choice: Choice
        value: str

        @property
        @override
        def control(self) -> Choice:
            return self.choice

    @dataclass
    class Submitted(Message):
        """Enter: go on to the next input."""

        choice: Choice

    value: reactive[str] = reactive("")

    def __init__(self, choices: Sequence[str], value: str, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.choices = tuple(choices)
        self.set_reactive(Choice.value, value)

    @override
    def render(self) -> Text:
        many = f"  ({self._index + 1} of {len(self.choices)})" if len(self.choices) > 3 else ""
        return Text(f"< {self.value or '(not set)'} >{many}", no_wrap=True)

    @property
    def _index(self) -> int:
        return self.choices.index(self.value) if self.value in self.choices else 0

    def action_shift(self, by: int) -> None:
        """The next or previous choice, around the ends."""
        if self.choices:
            self._take(self.choices[(self._index + by) % len(self.choices)])

    def action_submit(self) -> None:
        """Go on."""
        self.post_message(self.Submitted(self))

    def on_key(self, event: events.Key) -> None:
        """A letter jumps to the next choice that begins with it."""
        if event.character is None or not event.character.isalnum():
            return
        later = self.choices[self._index + 1 :] + self.choices[: self._index + 1]
        for choice in later:
            if choice.lower().startswith(event.character.lower()):
                self._take(choice)
                event.stop()
                return

    def on_click(self) -> None:
        """A click is the next choice."""
        self.action_shift(1)

    def _take(self, value: str) -> None:
        if value != self.value:
            self.value = value
            self.post_message(self.Changed(self, value))
