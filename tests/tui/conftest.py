"""A wizard on the fake service, in a terminal of known size, theme and environment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from core.secrets import Secrets
from tests.tui.fakes import SECRETS, SPEC, FakeService
from tui.app import PoolwrightApp


@pytest.fixture(autouse=True)
def _known_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("NO_COLOR", "POOLWRIGHT_THEME", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")


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


def text_of(app: PoolwrightApp) -> str:
    """What the screen shows, as lines."""
    return "\n".join(strip.text.rstrip() for strip in app.screen._compositor.render_strips())


def told(app: PoolwrightApp) -> str:
    """Every message that was shown beside the screen (tests draw none)."""
    return "\n".join(each.message for each in app._notifications)


async def until(pilot: Pilot[Any], holds: Callable[[], object], what: str = "") -> None:
    """Let the app work until something holds; fails with what is on the screen."""
    for _turn in range(400):
        if holds():
            await pilot.pause()
            return
        await pilot.pause(0.02)
    pytest.fail(f"never: {what}\n{text_of(pilot.app)}")  # type: ignore[arg-type]


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
    await pilot.press(*keys)


async def at(pilot: Pilot[Any], name: str) -> None:
    """Wait for a screen by its class name."""
    await until(pilot, lambda: type(pilot.app.screen).__name__ == name and pilot.app.screen.is_mounted, name)
