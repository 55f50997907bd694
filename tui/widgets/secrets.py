"""Password inputs for the secrets a spec needs. A value goes to the session on Enter only, and is never shown or kept."""

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


class SecretsPanel(Vertical):
    """One line per secret: label and password input."""

    DEFAULT_CSS = """
    SecretsPanel { height: auto; }
    SecretsPanel Horizontal { height: 1; }
    SecretsPanel Label { width: 25; padding: 0 1; }
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
        self.shown: tuple[tuple[str, bool, bool], ...] = ()

    async def show(
        self, needed: Sequence[tuple[str, str, str]], given: Sequence[str], refused: Sequence[str]
    ) -> None:
        """Ask for these (name, label, help); rebuilt only when the list or what is known of it changes."""
        wanted = tuple((name, name in given, name in refused) for name, _label, _help in needed)
        if wanted == self.shown:
            return
        typed = {each.name: each.value for each in self.query(Input)}
        focused = self.screen.focused.id if self.screen.focused is not None else None
        self.shown = wanted
        await self.remove_children()
        await self.mount_all(self._rows(needed, given, refused, typed))
        if focused is not None and self.screen.focused is None:
            for each in self.query(f"#{focused}"):
                each.focus()

    @staticmethod
    def _rows(
        needed: Sequence[tuple[str, str, str]],
        given: Sequence[str],
        refused: Sequence[str],
        typed: dict[str | None, str],
    ) -> list[Horizontal]:
        rows = []
        for name, label, help_text in needed:
            hint = (
                "refused: type it again"
                if name in refused
                else "given; type to replace"
                if name in given
                else help_text
            )
            made = Input(
                typed.get(name, ""),
                password=True,
                compact=True,
                name=name,
                id=f"s-{name}",
                placeholder=inert(hint),
            )
            made.cursor_blink = False
            rows.append(Horizontal(Label(inert(label), markup=False), made))
        return rows

    @override
    def compose(self) -> ComposeResult:
        yield from ()

    def take_all(self) -> None:
        """Hand over everything typed (the step itself was confirmed)."""
        for each in self.query(Input):
            self._take(each)

    def _take(self, control: Input) -> None:
        if control.value and control.name:
            self.post_message(self.Given(control.name, control.value))

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._take(event.input)
        inputs = list(self.query(Input))
        index = inputs.index(event.input) + 1
        if index < len(inputs):
            inputs[index].focus()
        else:
            self.post_message(self.Finished())
