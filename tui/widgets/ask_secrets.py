"""Passwords for going on with a run, asked for over the screen: no file ever held them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static
from typing_extensions import override

from core.secrets import Secrets
from tui.widgets.secrets import SecretsPanel


class AskSecrets(ModalScreen[Secrets | None]):
    """The secrets given, on top of those known; None when cancelled. Names the deed, so that it is its confirmation."""

    DEFAULT_CSS = """
    AskSecrets { align: center middle; background: $pw-background 70%; }
    AskSecrets > Vertical { width: 78; max-width: 100%; height: auto; max-height: 100%; padding: 1 2;
        background: $pw-panel; border: round $pw-primary; }
    AskSecrets Horizontal.answers { height: 1; margin-top: 1; }
    AskSecrets Button { margin-right: 2; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,f7", "cancel", "Cancel", id="dialog.cancel")]

    def __init__(
        self, text: str, yes: str, needed: Sequence[tuple[str, str, str]], known: Secrets | None
    ) -> None:
        super().__init__()
        self.text, self.yes = text, yes
        self.needed = tuple(needed)
        self.secrets = known or Secrets()

    @override
    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(self.text, markup=False)
            yield SecretsPanel(id="secrets")
            yield Static("", id="lacking", markup=False)
            with Horizontal(classes="answers"):
                yield Button("Cancel", compact=True, id="no")
                yield Button(self.yes, compact=True, id="yes")

    async def on_mount(self) -> None:
        """The first password that is missing has the focus, else the safe answer."""
        panel = self.query_one(SecretsPanel)
        await panel.show(self.needed, self.secrets.names(), ())
        missing = [made for name, made in panel.inputs.items() if name not in self.secrets]
        (missing[0] if missing else self.query_one("#no")).focus()

    @on(SecretsPanel.Given)
    def _given(self, event: SecretsPanel.Given) -> None:
        self.secrets = self.secrets.with_(event.name, event.value)

    @on(SecretsPanel.Finished)
    def _all_given(self) -> None:
        self.query_one("#yes").focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id != "yes":
            self.action_cancel()
            return
        for name, value in self.query_one(SecretsPanel).take_typed().items():
            self.secrets = self.secrets.with_(name, value)
        lacking = [label for name, label, _about in self.needed if name not in self.secrets]
        if lacking:
            self.query_one("#lacking", Static).update(f"missing: {', '.join(lacking)}")
            return
        _ = self.dismiss(self.secrets)

    def action_cancel(self) -> None:
        """Nothing is started."""
        _ = self.dismiss(None)
