"""One app of the benchmark as a program: `python -m bench.tui.program ours|bare|hello N STATE_DIR [headless]`.

ours: the wizard on its servers screen, replaying the feed. bare: a plain DataTable that shows the same feed, a cell an
event. hello: a Textual app that says hello. `headless` runs the feed without a terminal and prints the peak memory.
"""

from __future__ import annotations

import asyncio
import resource
import sys
from pathlib import Path

from textual import work
from textual.app import App, ComposeResult
from textual.widgets import DataTable, Static
from typing_extensions import override

SIZE = (80, 24)


class HelloApp(App[int]):
    """The least a Textual app can be."""

    BINDINGS = [("ctrl+q", "quit", "Quit")]

    @override
    def compose(self) -> ComposeResult:
        yield Static("hello, world")


class BareApp(App[int]):
    """A DataTable, updated as each event comes."""

    def __init__(self, servers: int, state_dir: Path) -> None:
        super().__init__()
        from bench.tui.feed import ReplayService

        self.servers, self.service = servers, ReplayService(state_dir, servers)

    @override
    def compose(self) -> ComposeResult:
        table: DataTable[str] = DataTable(cursor_type="row")
        yield table

    def on_mount(self) -> None:
        """One row a server."""
        from bench.tui.feed import name_of

        table = self.query_one(DataTable)
        for key, width in (("server", 22), ("planes", 21), ("worst", 10), ("seen", 8), ("what", 60)):
            table.add_column(key, width=width, key=key)
        for index in range(self.servers):
            table.add_row(name_of(index), "", "", "", "", key=name_of(index))
        table.focus()
        self.follow()

    @work
    async def follow(self) -> None:
        """Draw each event at once."""
        from bench.tui.feed import SECRETS, spec_of
        from core.models.facts import ServerFacts
        from core.models.results import CheckResult

        table = self.query_one(DataTable)
        seen: dict[str, int] = {}

        async def on_server(facts: ServerFacts) -> None:
            table.update_cell(facts.name, "planes", " ".join(facts.planes))

        async def on_result(result: CheckResult) -> None:
            seen[result.target] = seen.get(result.target, 0) + 1
            table.update_cell(result.target, "worst", result.verdict.value)
            table.update_cell(result.target, "seen", str(seen[result.target]))
            table.update_cell(result.target, "what", result.title)

        spec = self.service.platform().spec_model.model_validate(spec_of(self.servers))
        _ = await self.service.check(spec, SECRETS, on_server=on_server, on_result=on_result)


def make(kind: str, servers: int, state_dir: Path) -> App[int]:
    """The app, its feed still waiting for `service.go`."""
    if kind == "hello":
        return HelloApp()
    if kind == "bare":
        return BareApp(servers, state_dir)
    from bench.tui.feed import SECRETS, ReplayService, spec_of
    from tui.app import PoolwrightApp

    service = ReplayService(state_dir, servers)
    return PoolwrightApp(lambda: service, spec=spec_of(servers), secrets=SECRETS)


async def begin(app: App[int]) -> None:
    """Bring the wizard to its servers screen, with everything trusted; others are there already."""
    from tui.app import PoolwrightApp

    if isinstance(app, PoolwrightApp):
        app.entrance.begin("ready")
        await app.session.look_at_identities()
        app.session.confirm_identities()
        app.go("servers")


def release(app: App[int]) -> None:
    """Let the feed run."""
    service = getattr(app, "_service", None) or getattr(app, "service", None)
    service.go.set()  # type: ignore[union-attr]


def is_over(app: App[int]) -> bool:
    """Was all of the feed told?"""
    service = getattr(app, "_service", None) or getattr(app, "service", None)
    return bool(service and service.over)


async def _headless(app: App[int]) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        await begin(app)
        await pilot.pause(0.5)
        release(app)
        while not is_over(app):
            await pilot.pause(0.2)
        await pilot.pause(0.5)


def main() -> None:
    """Run it on the terminal, or headless."""
    kind, servers, state_dir = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    app = make(kind, servers, state_dir)
    if "headless" in sys.argv:
        if kind == "hello":
            raise SystemExit("hello has no feed")
        asyncio.run(_headless(app))
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        return
    if kind != "hello":
        app.call_later(_on_terminal, app)
    _ = app.run()


async def _on_terminal(app: App[int]) -> None:
    async def start() -> None:
        await begin(app)
        release(app)

    app.set_timer(1.0, start)


if __name__ == "__main__":
    main()
