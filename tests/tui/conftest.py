"""A wizard on the fake service, in a terminal of known size, theme and environment."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from textual import events
from textual.app import App
from textual.message_pump import MessagePump
from textual.pilot import Pilot
from textual.widgets import Input

from core.secrets import Secrets
from tests.patience import LIMIT_S
from tests.tui.fakes import SECRETS, SPEC, FakeService
from tui.app import PoolwrightApp

_TOLD: list[str] = []  # every message of this test


@pytest.fixture(autouse=True)
def _known_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("NO_COLOR", "POOLWRIGHT_THEME", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    monkeypatch.setattr(
        Pilot._wait_for_screen, "__defaults__", (LIMIT_S,)
    )  # Textual's own limit is as patient


@pytest.fixture
def service(tmp_path: Path) -> FakeService:
    return FakeService(tmp_path / "state")


@pytest.fixture
def ready_app(service: FakeService) -> PoolwrightApp:
    """As `poolwright demo` opens it: spec and secrets prefilled."""
    return PoolwrightApp(lambda: service, spec=SPEC, secrets=Secrets(SECRETS))


@pytest.fixture
def bare_app(service: FakeService) -> PoolwrightApp:
    """As a person opens it: nothing known."""
    return PoolwrightApp(lambda: service)


@pytest.fixture(autouse=True)
def _everything_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages vanish after some seconds; `told` has them all."""
    _TOLD.clear()
    notify = PoolwrightApp.notify

    def noted(app: PoolwrightApp, message: str, **how: Any) -> None:
        _TOLD.append(message)
        notify(app, message, **how)

    monkeypatch.setattr(PoolwrightApp, "notify", noted)


def text_of(app: PoolwrightApp) -> str:
    """What the screen shows, as lines."""
    return "\n".join(strip.text.rstrip() for strip in app.screen._compositor.render_strips())


def told(_app: PoolwrightApp) -> str:
    """Every message that was shown beside the screen (tests draw none)."""
    return "\n".join(_TOLD)


def is_quiet(app: App[Any]) -> bool:
    """Has every message been handled, also those that messages led to? True where the app has ended."""
    if app._exception is not None or app._exit:
        return True
    pumps = [app, *(each for screen in app.screen_stack for each in screen.walk_children(with_self=True))]
    return all(_waits(each) for each in pumps)


def _waits(pump: MessagePump) -> bool:
    """Has it nothing to handle, and handles nothing: does it wait at its empty queue?"""
    waiters: Collection[object] = vars(pump._message_queue.ready_event)["_waiters"]
    return len(waiters) > 0 and pump._message_queue.qsize() == 0


async def quiet(pilot: Pilot[Any]) -> None:
    """Let the app handle all that was sent to it."""
    await _wait(pilot, lambda: is_quiet(pilot.app), "every message handled")


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Keys, each when all that the one before led to has happened."""
    for key in keys:
        pilot.app.post_message(events.Key(key, key if len(key) == 1 else None))
        await quiet(pilot)


async def until(pilot: Pilot[Any], holds: Callable[[], object], what: str = "") -> None:
    """Let the app work until something holds, and it has come to rest; fails with what is on the screen."""
    await _wait(pilot, lambda: holds() and is_quiet(pilot.app), what)


async def _wait(pilot: Pilot[Any], holds: Callable[[], object], what: str) -> None:
    deadline = monotonic() + LIMIT_S
    while not holds():
        if monotonic() > deadline:
            pytest.fail(f"never: {what}\n{text_of(pilot.app)}")  # type: ignore[arg-type]
        await pilot.pause(0.01)


async def see(pilot: Pilot[Any], *texts: str) -> None:
    """Wait until all of these stand on the screen."""
    await until(pilot, lambda: all(text in text_of(pilot.app) for text in texts), " and ".join(texts))  # type: ignore[arg-type]


async def fill(pilot: Pilot[Any], text: str, *keys: str, into: str = "") -> None:
    """Text into the focused (or the named) input at once, then keys."""
    if into:
        await until(pilot, lambda: pilot.app.screen.query(into), into)
        pilot.app.screen.query_one(into).focus()
        await until(pilot, lambda: pilot.app.focused is pilot.app.screen.query_one(into), f"focus of {into}")
    focused = pilot.app.focused
    assert isinstance(focused, Input), focused
    focused.value = text
    await press(pilot, *keys)


async def at(pilot: Pilot[Any], name: str) -> None:
    """Wait for a screen by its class name."""
    await until(pilot, lambda: type(pilot.app.screen).__name__ == name and pilot.app.screen.is_mounted, name)
