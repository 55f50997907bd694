"""Layout: every screen at 80x24 and 120x40, without colour, and in ASCII. Read the difference before accepting it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from core.models.events import Outcome
from core.models.results import Verdict
from core.secrets import Secrets
from tests.tui.conftest import at, fill, is_quiet, press, see, text_of, until
from tests.tui.fakes import NOW, SECRETS, SPEC, FakeService
from tests.tui.ways import to_step
from tui.app import SCREENS, PoolwrightApp

Compare = Callable[..., bool]
SIZES = [(80, 24), (120, 40)]


@pytest.fixture
def troubled(service: FakeService) -> FakeService:
    """One server is owned elsewhere, the clock of another is not known."""
    service.bad["203.0.113.12", "server.owner.free"] = (
        Verdict.FAIL, "owned by Manager 0004fb00000100009f8e7d6c5b4a3921", "release it on that Manager first",
    )  # fmt: skip
    service.bad["203.0.113.13", "server.clock.close"] = (Verdict.UNKNOWN, "not known: clock", "look yourself")
    return service


def app_on(service: FakeService) -> PoolwrightApp:
    app = PoolwrightApp(
        lambda: service, spec=SPEC, secrets=Secrets(SECRETS), hints={"Rehearsal": "nothing real is touched"}
    )
    app.now = lambda: NOW
    return app


def opened(step: str, *keys: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Brings the prepared pool to a step, everything trusted and looked at."""

    async def go(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, PoolwrightApp)
        await to_step(pilot, SCREENS[step])
        if step in ("servers", "storage", "compatibility", "review"):
            await until(pilot, lambda: app.session.is_fresh, "checks")
        if keys:
            await settle(pilot)
            await press(pilot, *keys)
        await settle(pilot)

    return go


async def settle(pilot: Pilot[Any]) -> None:
    """Wait until everything that was pending is drawn and laid out."""
    app = pilot.app
    assert isinstance(app, PoolwrightApp)

    def is_drawn() -> bool:
        app.catch_up()
        return is_quiet(app) and not (app.screen._layout_required or app.screen._dirty_widgets)

    await until(pilot, is_drawn, "all drawn")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_home(snap_compare: Compare, service: FakeService, size: tuple[int, int]) -> None:
    async def go(pilot: Pilot[Any]) -> None:
        await until(pilot, lambda: pilot.app.autosave_path is not None, "home")  # type: ignore[attr-defined]
        await settle(pilot)

    assert snap_compare(app_on(service), terminal_size=size, run_before=go)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize(
    ("step", "keys"),
    [
        ("connect", ()), ("pool", ("down", "down")), ("servers", ("f3",)), ("storage", ()),
        ("compatibility", ("down",)), ("review", ()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_steps(
    snap_compare: Compare, troubled: FakeService, step: str, keys: tuple[str, ...], size: tuple[int, int]
) -> None:
    assert snap_compare(app_on(troubled), terminal_size=size, run_before=opened(step, *keys))


def test_plan(snap_compare: Compare, service: FakeService) -> None:
    assert snap_compare(app_on(service), terminal_size=(80, 24), run_before=opened("review", "f2", "end"))


def test_trust(snap_compare: Compare, service: FakeService) -> None:
    async def go(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, PoolwrightApp)
        await until(pilot, lambda: app.autosave_path is not None, "home")
        app.entrance.begin("ready")
        await at(pilot, "ConnectScreen")
        await press(pilot, "f8")
        await at(pilot, "TrustScreen")
        await until(pilot, lambda: "7 new" in text_of(app), "identities")
        await settle(pilot)

    assert snap_compare(app_on(service), terminal_size=(80, 24), run_before=go)


async def _started(pilot: Pilot[Any]) -> None:
    await opened("review")(pilot)
    await until(pilot, lambda: "ready" in text_of(pilot.app), "ready")  # type: ignore[arg-type]
    await fill(pilot, "pool1", "enter", into="#name")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_run(snap_compare: Compare, service: FakeService, size: tuple[int, int]) -> None:
    async def go(pilot: Pilot[Any]) -> None:
        service.hold = asyncio.Event()
        await _started(pilot)
        await at(pilot, "RunScreen")
        await until(pilot, lambda: "1 of 4 steps" in text_of(pilot.app), "first step")  # type: ignore[arg-type]
        await settle(pilot)

    assert snap_compare(app_on(service), terminal_size=size, run_before=go)


@pytest.mark.parametrize(
    "outcome",
    [Outcome.CREATED, Outcome.CREATED_UNVERIFIED, Outcome.NEEDS_HUMAN],
    ids=lambda outcome: outcome.value,
)
def test_done(snap_compare: Compare, service: FakeService, outcome: Outcome) -> None:
    service.outcome = outcome

    async def go(pilot: Pilot[Any]) -> None:
        await _started(pilot)
        await at(pilot, "DoneScreen")
        await settle(pilot)

    assert snap_compare(app_on(service), terminal_size=(80, 24), run_before=go)


@pytest.mark.parametrize("theme", ["poolwright-light", "poolwright-ansi"])
def test_themes(
    snap_compare: Compare, troubled: FakeService, monkeypatch: pytest.MonkeyPatch, theme: str
) -> None:
    monkeypatch.setenv("POOLWRIGHT_THEME", theme)
    assert snap_compare(app_on(troubled), terminal_size=(80, 24), run_before=opened("servers", "f3"))


def test_without_colour(
    snap_compare: Compare, troubled: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(app_on(troubled), terminal_size=(80, 24), run_before=opened("servers", "f3"))


@pytest.mark.asyncio
async def test_the_linux_console_gets_ascii_states(
    troubled: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "linux")
    app = app_on(troubled)
    assert app.theme == "poolwright-ansi"
    async with app.run_test(size=(80, 24)) as pilot:
        await opened("servers", "f3")(pilot)
        await see(pilot, "x fail")
        assert not set(text_of(app)) & set("✓✗●○")


@pytest.mark.asyncio
async def test_states_are_told_apart_without_colour(
    troubled: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = app_on(troubled)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened("servers")(pilot)
        assert app.is_mono
        for word in ("pass", "fail", "unknown"):
            assert word in text_of(app)


def test_snapshots_hold_no_secret() -> None:
    folder = Path(__file__).parent / "__snapshots__"
    texts = [path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.is_file()]
    assert len(texts) > 15
    assert not any(secret in text for text in texts for secret in SECRETS.values())
