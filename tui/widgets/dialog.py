"""Small modal questions: confirm with named consequences, ask for a line, show help."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static
from typing_extensions import override

_CSS = """
{name} {{ align: center middle; background: $pw-background 70%; }}
{name} > Vertical {{ width: 72; max-width: 100%; height: auto; max-height: 100%; padding: 1 2;
    background: $pw-panel; border: round $pw-primary; }}
{name} Horizontal {{ height: 1; margin-top: 1; }}
{name} Button {{ margin-right: 2; }}
{name} .hint {{ color: $pw-muted; margin-top: 1; }}
{name} VerticalScroll {{ height: auto; max-height: 18; }}
"""


class Confirm(ModalScreen[bool]):
    """A question whose safe answer has the focus."""

    DEFAULT_CSS = _CSS.format(name="Confirm")
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "answer(False)", "Cancel", id="dialog.cancel")]

    def __init__(self, text: str, yes: str, no: str = "Cancel") -> None:
        super().__init__()
        self.text, self.yes, self.no = text, yes, no

    @override
    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(self.text, markup=False)
            with Horizontal():
                yield Button(self.no, id="no", compact=True)
                yield Button(self.yes, id="yes", compact=True)

    def on_mount(self) -> None:
        """The safe answer first."""
        self.query_one("#no").focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        _ = self.dismiss(event.button.id == "yes")

    def action_answer(self, value: bool) -> None:
        """Answer by key."""
        _ = self.dismiss(value)


class Question(ModalScreen[str | None]):
    """What a run asks: one of the answers, or None to leave it open; leaving it open has the focus."""

    DEFAULT_CSS = (
        _CSS.format(name="Question")
        + """
    Question .answers { height: auto; margin-top: 1; }
    Question .answers Button { margin-bottom: 0; width: 100%; text-align: left; }
    """
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f7", "later", "Later", id="dialog.cancel"),
        Binding("down", "app.focus_next", "Next answer", show=False, id="dialog.down"),
        Binding("up", "app.focus_previous", "Previous answer", show=False, id="dialog.up"),
    ]

    def __init__(self, text: str, answers: Mapping[str, str]) -> None:
        super().__init__()
        self.text, self.answers = text, dict(answers)

    @override
    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(self.text, markup=False)
            with Vertical(classes="answers"):
                yield Button("later: it stays open, F4 comes back to it", compact=True, id="later")
                for number, (word, meaning) in enumerate(self.answers.items()):
                    yield Button(Text(f"{word}: {meaning}"), compact=True, id=f"answer-{number}")

    def on_mount(self) -> None:
        """The answer that decides nothing first."""
        self.query_one("#later").focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        name = event.button.id or ""
        chosen = list(self.answers)[int(name.removeprefix("answer-"))] if name.startswith("answer-") else None
        _ = self.dismiss(chosen)

    def action_later(self) -> None:
        """Leave it open."""
        _ = self.dismiss(None)


class Ask(ModalScreen[str | None]):
    """Asks for one line; None when cancelled. `about` stands above the question, scrolling where it is long."""

    DEFAULT_CSS = _CSS.format(name="Ask") + "Ask VerticalScroll { max-height: 14; margin-bottom: 1; }"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel", id="dialog.cancel")]

    def __init__(self, text: str, value: str = "", about: str = "") -> None:
        super().__init__()
        self.text, self.value, self.about = text, value, about

    @override
    def compose(self) -> ComposeResult:
        with Vertical():
            if self.about:
                with VerticalScroll():
                    yield Static(self.about, markup=False)
            yield Static(self.text, markup=False)
            line = Input(self.value, compact=True)
            line.cursor_blink = False
            yield line
            yield Static("Enter takes it, Esc cancels", classes="hint", markup=False)

    def on_mount(self) -> None:
        """The line first, whatever scrolls above it."""
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        _ = self.dismiss(event.value)

    def action_cancel(self) -> None:
        """No answer."""
        _ = self.dismiss(None)


class Copied(ModalScreen[None]):
    """What was put on the clipboard, as plain lines from the first column, to be selected where OSC 52 fails."""

    DEFAULT_CSS = """
    Copied { background: $pw-background; }
    Copied > Static { width: 100%; background: $pw-panel; }
    Copied VerticalScroll { height: 1fr; background: $pw-background; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,f7,c", "close", "Close", id="dialog.close")
    ]

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    @override
    def compose(self) -> ComposeResult:
        yield Static(
            "Copied to the clipboard (OSC 52). Not there? Select these lines. Esc closes.", markup=False
        )
        with VerticalScroll():
            yield Static(self.text, markup=False)

    def action_close(self) -> None:
        """Back to where the focus was."""
        _ = self.dismiss(None)


class Help(ModalScreen[None]):
    """What the focused input means, and every key of this screen."""

    DEFAULT_CSS = _CSS.format(name="Help")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,enter,question_mark", "close", "Close", id="dialog.close")
    ]

    def __init__(self, about: Text, keys: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.about, self.keys = about, tuple(keys)

    @override
    def compose(self) -> ComposeResult:
        with Vertical(), VerticalScroll():
            yield Static(self.about)
            yield Static(
                Text(
                    "\n".join(["", *(f"{key:<12} {what}" for key, what in self.keys), "", "Esc closes this."])
                )
            )

    def action_close(self) -> None:
        """Back to where the focus was."""
        _ = self.dismiss(None)
