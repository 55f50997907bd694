"""Runs on the screen: left, attached to again, aborted, failed, with something left behind."""

from __future__ import annotations

import asyncio

import pytest

from core.models.events import Outcome
from tests.tui.conftest import at, fill, text_of, until
from tests.tui.fakes import FakeService
from tests.tui.ways import SIZE, to_ready, to_step
from tui.app import PoolwrightApp
from tui.session import Session


@pytest.mark.asyncio
async def test_a_live_run_is_left_and_attached_to_again(
    ready_app: PoolwrightApp, service: FakeService
) -> None:
    service.hold = asyncio.Event()
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_ready(pilot)
        await fill(pilot, "pool1", "enter", into="#name")
        await at(pilot, "RunScreen")
        await until(pilot, lambda: "1 of 4 steps" in text_of(ready_app), "first step")
        await pilot.press("p")
        await until(pilot, lambda: service.actions == ["pause"], "pause")
        await pilot.press("a")
        await at(pilot, "Confirm")
        assert ready_app.focused is not None
        assert ready_app.focused.id == "no"
        await pilot.press("escape")
        await at(pilot, "RunScreen")
        assert service.actions == ["pause"]
        await pilot.press("a")
        await at(pilot, "Confirm")
        await pilot.press("tab", "enter")
        await until(pilot, lambda: service.actions == ["pause", "abort"], "abort")
        await pilot.press("d")
        await at(pilot, "HomeScreen")
        await until(pilot, lambda: "Attach to the live run of pool1" in text_of(ready_app), "attach")
        service.hold.set()
        ready_app.entrance.choose("attach:260301-020000-00")
        await at(pilot, "DoneScreen")
        assert "created" in text_of(ready_app)


@pytest.mark.asyncio
async def test_a_failed_run_says_what_was_taken_back(ready_app: PoolwrightApp, service: FakeService) -> None:
    service.fail_at, service.outcome = "create_pool:pool", Outcome.ROLLED_BACK
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_ready(pilot)
        await fill(pilot, "pool1", "enter", into="#name")
        await at(pilot, "DoneScreen")
        assert "rolled back" in text_of(ready_app)
        await pilot.press("f8")
        await at(pilot, "HomeScreen")
        await pilot.press("r")
        await at(pilot, "RunsScreen")
        await pilot.press("enter")
        await at(pilot, "DoneScreen")


@pytest.mark.asyncio
async def test_what_is_left_behind_comes_with_its_commands(
    ready_app: PoolwrightApp, service: FakeService
) -> None:
    service.outcome = Outcome.NEEDS_HUMAN
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_ready(pilot)
        await fill(pilot, "pool1", "enter", into="#name")
        await at(pilot, "DoneScreen")
        assert "$ rm -rf /mnt/pool1/ovspoolfs" in text_of(ready_app)
        await pilot.press("y")
        await pilot.pause()
        assert ready_app.clipboard == "rm -rf /mnt/pool1/ovspoolfs"


@pytest.mark.asyncio
async def test_the_terminal_may_be_resized_in_the_middle(
    ready_app: PoolwrightApp, service: FakeService
) -> None:
    service.hold = asyncio.Event()
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_ready(pilot)
        await fill(pilot, "pool1", "enter", into="#name")
        await at(pilot, "RunScreen")
        await pilot.resize_terminal(120, 40)
        await pilot.pause()
        await pilot.resize_terminal(60, 20)
        await pilot.pause()
        assert "steps" in text_of(ready_app)
        service.hold.set()
        await at(pilot, "DoneScreen")


@pytest.mark.asyncio
async def test_a_crash_shows_no_secret(
    ready_app: PoolwrightApp, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(session: Session, name: str, value: str) -> None:
        raise RuntimeError("made to crash")

    monkeypatch.setattr(Session, "give_secret", crash)

    async def type_it() -> None:
        async with ready_app.run_test(size=SIZE) as pilot:
            await to_step(pilot, "ConnectScreen")
            await fill(pilot, "canary-4711-canary", "enter", into="#s-agent")
            await pilot.pause()

    with pytest.raises(RuntimeError, match="made to crash"):
        await type_it()
    said = "".join(capsys.readouterr())
    assert "made to crash" in said
    assert "canary-4711" not in said
