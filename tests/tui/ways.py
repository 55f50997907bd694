"""Ways to a screen of the prepared pool, for tests."""

from __future__ import annotations

from typing import Any

from textual.pilot import Pilot

from tests.tui.conftest import at, press, text_of, until
from tui.answers import Answers
from tui.app import SCREENS, PoolwrightApp
from tui.session import Session

SIZE = (80, 24)


async def to_trust(pilot: Pilot[Any]) -> int:
    """Home and connect, with what is prefilled; the number of keys."""
    await at(pilot, "HomeScreen")
    await press(pilot, "enter")
    await at(pilot, "ConnectScreen")
    await press(pilot, "f8")
    await at(pilot, "TrustScreen")
    await until(pilot, lambda: "7 new" in text_of(pilot.app), "identities")  # type: ignore[arg-type]
    return 2


async def walk_to_ready(pilot: Pilot[Any]) -> int:
    """To the review screen by screen, with the checks through; the number of keys."""
    keys = await to_trust(pilot)
    await press(pilot, "7", "enter")
    await at(pilot, "PoolScreen")
    keys += 2
    for each in ("ServersScreen", "StorageScreen", "CompatibilityScreen", "ReviewScreen"):
        await press(pilot, "f8")
        keys += 1
        await at(pilot, each)
    await until(pilot, lambda: "ready" in text_of(pilot.app), "ready")  # type: ignore[arg-type]
    return keys


async def prepare(app: PoolwrightApp) -> None:
    """A session of the prepared pool with every identity confirmed, as if the screens before had been walked."""
    app.session = Session(app.service(), Answers(app.spec or {}), app.secrets)
    await app.session.look_at_identities()
    app.session.confirm_identities()


async def to_step(pilot: Pilot[Any], name: str) -> None:
    """Straight to a screen of the prepared pool."""
    app = pilot.app
    assert isinstance(app, PoolwrightApp)
    await until(pilot, lambda: app.autosave_path is not None, "home")
    await prepare(app)
    app.go(next(step for step, screen in SCREENS.items() if screen == name))
    await at(pilot, name)


async def to_ready(pilot: Pilot[Any]) -> None:
    """To the review, with the checks through."""
    await to_step(pilot, "ReviewScreen")
    await until(pilot, lambda: "ready" in text_of(pilot.app), "ready")  # type: ignore[arg-type]
