"""Storage: where the pool file system goes, with the checks of it beside the inputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from typing_extensions import override

from tui.screens.form_step import FormStep
from tui.widgets.findings import Findings
from tui.widgets.secrets import SecretsPanel

SCOPES = ("storage",)


class StorageScreen(FormStep):
    """Form of the storage; its findings follow the edits."""

    step_id = "storage"
    CSS_PATH = "storage.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f5,ctrl+r", "check", "Check", id="wizard.check", tooltip="look at the servers again"),
        Binding("f3", "problem", "Problem", id="findings.problem", tooltip="jump to the next finding"),
    ]

    @override
    def body(self) -> Iterator[Widget]:
        form, help_line = super().body()
        yield form
        yield SecretsPanel(id="secrets")
        yield help_line
        yield Findings("No findings about storage yet.", id="storage-findings")

    @override
    def arrive(self) -> None:
        super().arrive()
        self.pw.start_check()

    @override
    def draw(self) -> None:
        super().draw()
        self.call_later(self._show_secrets)
        found = [each for each in self.session.results.values() if each.scope.value in SCOPES]
        order = {each.key: index for index, each in enumerate(self.session.findings())}
        ordered = sorted(found, key=lambda each: order.get(each.key, len(order)))
        self.query_one(Findings).show(ordered, self.session.stale())

    async def _show_secrets(self) -> None:
        """Only what the storage answers made necessary, or what was refused."""
        session = self.session
        needed = [each for each in session.secrets_needed() if each[0] not in session.proved]
        spec = session.draft()
        early = {each.plane for each in session.platform.endpoints(spec)} if spec is not None else set()
        wanted = [each for each in needed if each[0] not in early or each[0] in session.refused]
        await self.query_one(SecretsPanel).show(wanted, session.secrets.names(), sorted(session.refused))

    @on(SecretsPanel.Given)
    def _given(self, event: SecretsPanel.Given) -> None:
        self.session.give_secret(event.name, event.value)
        self.pw.start_check()

    @override
    def settled(self) -> None:
        super().settled()
        self.pw.start_check()

    @override
    def action_next(self) -> None:
        typed = self.query_one(SecretsPanel).take_typed()
        for name, value in typed.items():
            self.session.give_secret(name, value)
        if typed:
            self.pw.start_check()
        super().action_next()

    def action_problem(self) -> None:
        """Jump to the next finding about storage."""
        if not self.query_one(Findings).next_problem():
            self.tell("no finding about storage")

    def action_check(self) -> None:
        """Look again, at everything."""
        self.pw.start_check(force=True)
