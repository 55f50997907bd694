"""Ways to a screen of the prepared pool, for tests."""

from __future__ import annotations

from typing import Any

from textual.pilot import Pilot

from tests.tui.conftest import at, text_of, until
from tui.app import SCREENS, PoolwrightApp

SIZE = (80, 24)


async def to_trust(pilot: Pilot[Any]) -> int:
    """Home and connect, with what is prefilled; the number of keys."""
    await at(pilot, "HomeScreen")
    await pilot.press("enter")
    await at(pilot, "ConnectScreen")
    await pilot.press("f8")
    await at(pilot, "TrustScreen")
    await until(pilot, lambda: "7 new" in text_of(pilot.app), "identities")  # type: ignore[arg-type]
    return 2


async def walk_to_ready(pilot: Pilot[Any]) -> int:
    """To the review screen by screen, with the checks through; the number of keys."""
    keys = await to_trust(pilot)
    await pilot.press("7", "enter")
    await at(pilot, "PoolScreen")
    keys += 2
    for each in ("ServersScreen", "StorageScreen", "CompatibilityScreen", "ReviewScreen"):
        await pilot.press("f8")
        keys += 1
        await at(pilot, each)
    await until(pilot, lambda: "ready" in text_of(pilot.app), "ready")  # type: ignore[arg-type]
    return keys


async def to_step(pilot: Pilot[Any], name: str) -> None:
    """Straight to a screen of the prepared pool, every identity confirmed."""
    app = pilot.app
    assert isinstance(app, PoolwrightApp)
    await at(pilot, "HomeScreen")
    app.entrance.begin("ready")
    await at(pilot, "ConnectScreen")
    await app.session.look_at_identities()
    app.session.confirm_identities()
    step = next(step for step, screen in SCREENS.items() if screen == name)
    if step != "connect":
        app.go(step)
    await at(pilot, name)


async def to_ready(pilot: Pilot[Any]) -> None:
    """To the review, with the checks through."""
    await to_step(pilot, "ReviewScreen")
    await until(pilot, lambda: "ready" in text_of(pilot.app), "ready")  # type: ignore[arg-type]
