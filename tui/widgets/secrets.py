"""Password inputs for the secrets a spec needs. A value is handed on with Enter, or with the step; never kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Label
from typing_extensions import override

from tui.borrow import inert

GIVEN = "given; type to replace"


class SecretsPanel(Vertical):
    """One line per secret: label and password input."""

    DEFAULT_CSS = """
    SecretsPanel { height: auto; }
    SecretsPanel Horizontal { height: 1; }
    SecretsPanel Label { width: 38; padding: 0 1; }
    SecretsPanel Input { background: $pw-surface; }
    SecretsPanel Input:focus { background: $pw-panel; background-tint: transparent; }
    """

    @dataclass
    class Given(Message):
        """A secret was typed and confirmed. Never logged: the value has no place in its text."""

        name: str
        value: str

        @override
        def __repr__(self) -> str:
            return f"SecretsPanel.Given({self.name})"

        __rich_repr__ = None  # type: ignore[assignment]  # Textual's own would print every attribute

    @dataclass
    class Finished(Message):
        """Enter on the last one."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.inputs: dict[str, Input] = {}

    async def show(
        self, needed: Sequence[tuple[str, str, str]], given: Sequence[str], refused: Sequence[str]
    ) -> None:
        """Ask for these (name, label, help). A line that stays is never built again: the focus must not move under
        somebody who types a password."""
        names = [name for name, _label, _help in needed]
        for name in [name for name in self.inputs if name not in names]:
            row = self.inputs.pop(name).parent
            if isinstance(row, Horizontal):
                await row.remove()
        for index, (name, label, about) in enumerate(needed):
            if name not in self.inputs:
                made = Input(password=True, compact=True, name=name, id=f"s-{name}")
                made.cursor_blink = False
                self.inputs[name] = made
                row = Horizontal(Label(inert(label), markup=False), made)
                await (self.mount(row, before=index) if index < len(self.children) else self.mount(row))
            known = "refused: type it again" if name in refused else GIVEN
            hint = known if name in given else inert(about)
            if self.inputs[name].placeholder != hint:
                self.inputs[name].placeholder = hint

    @override
    def compose(self) -> ComposeResult:
        yield from ()

    def take_typed(self) -> dict[str, str]:
        """What was typed and not confirmed with Enter, by the secret's name. The lines are empty then: one that was
        refused is not sent a second time by itself."""
        typed = {name: line for name, line in self.inputs.items() if line.value}
        return {name: self._take(line) for name, line in typed.items()}

    @staticmethod
    def _take(line: Input) -> str:
        value = line.value
        line.placeholder = GIVEN
        line.clear()
        return value

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.input.value and event.input.name:
            self.post_message(self.Given(event.input.name, self._take(event.input)))
        inputs = list(self.query(Input))
        index = inputs.index(event.input) + 1
        if index < len(inputs):
            inputs[index].focus()
        else:
            self.post_message(self.Finished())
