"""Connect: where Manager and the servers are reached, and the secrets. Then everything's identity is confirmed."""

from __future__ import annotations

from collections.abc import Iterator

from textual import on
from textual.widget import Widget
from typing_extensions import override

from tui.screens.form_step import FormStep
from tui.widgets.form import Form
from tui.widgets.secrets import SecretsPanel


class ConnectScreen(FormStep):
    """Form of the connection, and the passwords below it."""

    step_id = "connect"

    @override
    def body(self) -> Iterator[Widget]:
        form, help_line = super().body()
        yield form
        yield SecretsPanel(id="secrets")
        yield help_line

    @override
    def draw(self) -> None:
        super().draw()
        self.call_later(self._show_secrets)

    async def _show_secrets(self) -> None:
        session = self.session
        await self.query_one(SecretsPanel).show(
            session.secrets_needed(), session.secrets.names(), sorted(session.refused)
        )

    @on(SecretsPanel.Given)
    def _given(self, event: SecretsPanel.Given) -> None:
        self.session.give_secret(event.name, event.value)

    @on(SecretsPanel.Finished)
    def _all_given(self) -> None:
        self.query("#nav Button").last().focus()

    @on(Form.Finished)
    def _to_secrets(self, event: Form.Finished) -> None:
        event.prevent_default()
        inputs = self.query("SecretsPanel Input")
        (inputs.first() if inputs else self.query("#nav Button").last()).focus()

    @override
    def action_next(self) -> None:
        for name, value in self.query_one(SecretsPanel).take_typed().items():
            self.session.give_secret(name, value)
        if self.missing() or self.session.draft() is None or self.session.is_trusted():
            self.pw.start_check()
            super().action_next()
        else:
            self.pw.confirm_trust(lambda: super(ConnectScreen, self).action_next())
