"""One app of the benchmark as a program: `python -m bench.tui.program ours|bare N STATE_DIR [WAY]`.

ours: the wizard on its servers screen, replaying the feed. bare: a plain DataTable that shows the same feed, a cell an
event.

Without a WAY it runs on the terminal and the feed begins by itself; `wait` leaves the wizard on its first screen. Two
ways need no terminal and print one line of JSON: `keys` presses keys while the feed runs and prints the seconds from
each key to its paint, with the processor seconds used; `all` runs the whole feed and prints the peak memory in KiB.
"""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual import events
from textual import work as worker
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import DataTable
from typing_extensions import override

SIZE = (80, 24)
KEYS = 60
EVERY_S = 0.15  # a quick operator
WHOLE_S = 600.0
LOST_S = 30.0  # a key without any paint after this is a failure of the benchmark


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

    @worker
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
    if kind == "bare":
        return BareApp(servers, state_dir)
    from bench.tui.feed import SECRETS, ReplayService, spec_of
    from tui.app import PoolwrightApp

    service = ReplayService(state_dir, servers)
    return PoolwrightApp(lambda: service, spec=spec_of(servers), secrets=SECRETS, on_ready=gc.freeze)


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


async def _table(app: App[int], pilot: Pilot[Any], servers: int) -> DataTable[Any]:
    """The table with all its rows, the focus on it."""
    await pilot.pause()
    await begin(app)
    await _until(lambda: any(each.row_count >= servers for each in app.screen.query(DataTable)), LOST_S)
    table = app.screen.query(DataTable).first()
    table.focus()
    await _until(lambda: app.focused is table, LOST_S)
    return table


async def _until(holds: Callable[[], bool], limit_s: float) -> None:
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        if holds():
            return
        await asyncio.sleep(0.05)
    raise TimeoutError("never came to it")


async def press_keys(app: App[int], servers: int) -> dict[str, Any]:
    """Seconds from each key to the paint that shows the moved cursor, while the feed runs."""
    async with app.run_test(size=SIZE) as pilot:
        table = await _table(app, pilot, servers)
        release(app)
        used, keys = time.process_time(), []
        for _turn in range(KEYS):
            await asyncio.sleep(EVERY_S)
            keys.append(await _one_key(app, table))
        used = time.process_time() - used
        app.exit()
    return {
        "times_s": [took for took, _work in keys],
        "work_s": [work for _took, work in keys],
        "cpu_s": used,
    }


async def _one_key(app: App[Any], table: DataTable[Any]) -> tuple[float, float]:
    """Seconds from the key to its paint, and processor seconds within them (whatever else the machine does)."""
    painted: asyncio.Future[tuple[float, float]] = asyncio.get_running_loop().create_future()
    before = table.cursor_row
    display = app._display  # noqa: SLF001 - the one place every paint goes through

    def watched(*args: Any) -> None:
        display(*args)
        if table.cursor_row != before and not painted.done():
            painted.set_result((time.perf_counter(), time.process_time()))

    app._display = watched  # type: ignore[method-assign,assignment]  # noqa: SLF001
    try:
        begun, worked = time.perf_counter(), time.process_time()
        app.post_message(events.Key("down" if before < table.row_count - 1 else "home", None))
        async with asyncio.timeout(LOST_S):
            took, work = await painted
        return took - begun, work - worked
    finally:
        app._display = display  # type: ignore[method-assign]  # noqa: SLF001


async def take_all(app: App[int], servers: int) -> dict[str, Any]:
    """The whole feed, then the peak memory."""
    async with app.run_test(size=SIZE) as pilot:
        _ = await _table(app, pilot, servers)
        release(app)
        await _until(lambda: is_over(app), WHOLE_S)
        await asyncio.sleep(0.5)
        app.exit()
    return {"peak_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}


def main() -> None:
    """Run it on the terminal, or without one."""
    kind, servers, state_dir, way = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:]
    app = make(kind, servers, state_dir)
    if way in (["keys"], ["all"]):
        print(json.dumps(asyncio.run((press_keys if way == ["keys"] else take_all)(app, servers))))
        return
    if way != ["wait"]:
        app.call_later(_on_terminal, app)
    _ = app.run()


async def _on_terminal(app: App[int]) -> None:
    async def start() -> None:
        await begin(app)
        release(app)

    app.set_timer(1.0, start)


if __name__ == "__main__":
    main()
