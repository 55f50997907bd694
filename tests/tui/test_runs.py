"""Runs on the screen: left, attached to again, aborted, failed, with something left behind."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from core import crash
from core.errors import ControlledElsewhere, PoolwrightError, RunnerError
from core.models.events import Outcome, RunState
from core.models.plan import Unobservable
from core.models.use import PoolUse
from core.models.views import RunView
from core.runner.survival import Survival, Way
from core.secrets import Secrets
from tests.tui.conftest import at, fill, press, see, text_of, told, until
from tests.tui.fakes import SECRETS, FakeService
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
        await press(pilot, "p")
        await until(pilot, lambda: service.actions == ["pause"], "pause")
        await press(pilot, "a")
        await at(pilot, "Confirm")
        assert ready_app.focused is not None
        assert ready_app.focused.id == "no"
        await press(pilot, "escape")
        await at(pilot, "RunScreen")
        assert service.actions == ["pause"]
        await press(pilot, "a")
        await at(pilot, "Confirm")
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: service.actions == ["pause", "abort"], "abort")
        await press(pilot, "d")
        await at(pilot, "HomeScreen")
        await until(pilot, lambda: "Attach to the live run of pool1" in text_of(ready_app), "attach")
        service.hold.set()
        ready_app.entrance.choose("attach:260301-020000-00")
        await at(pilot, "DoneScreen")
        await see(pilot, "created")


@pytest.mark.asyncio
async def test_a_failed_run_says_what_was_taken_back(ready_app: PoolwrightApp, service: FakeService) -> None:
    service.fail_at, service.outcome = "create_pool:pool", Outcome.ROLLED_BACK
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_ready(pilot)
        await fill(pilot, "pool1", "enter", into="#name")
        await at(pilot, "DoneScreen")
        await see(pilot, "rolled back")
        await press(pilot, "f8")
        await at(pilot, "HomeScreen")
        await press(pilot, "r")
        await at(pilot, "RunsScreen")
        await press(pilot, "enter")
        await at(pilot, "DoneScreen")


@pytest.mark.asyncio
async def test_a_pool_that_nobody_could_verify_is_said_everywhere(
    ready_app: PoolwrightApp, service: FakeService
) -> None:
    service.outcome = Outcome.CREATED_UNVERIFIED
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_ready(pilot)
        await fill(pilot, "pool1", "enter", into="#name")
        await at(pilot, "DoneScreen")
        await see(pilot, "Created, not verified")
        await see(pilot, "poolwright check SPEC")
        await pilot.press("f8")
        await at(pilot, "HomeScreen")
        await pilot.press("r")
        await at(pilot, "RunsScreen")
        await see(pilot, "Created, not verified")


@pytest.mark.asyncio
async def test_what_nobody_can_verify_is_said_before_the_name_is_typed(
    ready_app: PoolwrightApp, service: FakeService
) -> None:
    service.unobservable = (Unobservable(id="x", title="the virtual IP is up", why="no login"),)
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_ready(pilot)
        await see(pilot, "4 steps, 1 not verifiable")
        await pilot.press("f2")
        await see(pilot, "not verifiable")
        await see(pilot, "the virtual IP is up")


@pytest.mark.asyncio
async def test_after_a_rollback_no_old_verification_is_shown(
    ready_app: PoolwrightApp, service: FakeService
) -> None:
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_ready(pilot)
        await fill(pilot, "pool1", "enter", into="#name")
        await at(pilot, "DoneScreen")
        await see(pilot, "Item 3: as expected")
        ((run, view),) = service.views.items()
        service.views[run] = replace(
            view,
            outcome=Outcome.ROLLED_BACK,
            superseded_at="2026-03-01T12:10:00",
            verified_at="2026-03-01T12:04:00",
        )
        await pilot.press("f8")
        await at(pilot, "HomeScreen")
        await pilot.press("r")
        await at(pilot, "RunsScreen")
        await pilot.press("enter")
        await at(pilot, "DoneScreen")
        await see(pilot, "Out of date")
        assert "Verified at 2026-03-01 12:04 UTC" in text_of(ready_app)
        assert "Item 3" not in text_of(ready_app)


@pytest.mark.asyncio
async def test_what_is_left_behind_comes_with_its_commands(
    ready_app: PoolwrightApp, service: FakeService
) -> None:
    service.outcome = Outcome.NEEDS_HUMAN
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_ready(pilot)
        await fill(pilot, "pool1", "enter", into="#name")
        await at(pilot, "DoneScreen")
        await see(pilot, "$ rm -rf /mnt/pool1/ovspoolfs")
        await press(pilot, "y")
        await until(pilot, lambda: ready_app.clipboard == "rm -rf /mnt/pool1/ovspoolfs", "copied")


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
        await pilot.resize_terminal(60, 20)
        await until(pilot, lambda: "steps" in text_of(ready_app), "the steps on a small terminal")
        service.hold.set()
        await at(pilot, "DoneScreen")


@pytest.mark.asyncio
async def test_a_damaged_run_is_listed_with_its_reason_beside_the_others(
    ready_app: PoolwrightApp, service: FakeService
) -> None:
    good = RunView("261201-120000-aa", "pool1", "oracle_vm", RunState.DONE, Outcome.CREATED)
    bad = RunView("261201-120001-bb", "", "", RunState.CREATED, None, message="x", damage="a page is damaged")
    service.views = {good.run: good, bad.run: bad}
    async with ready_app.run_test(size=SIZE) as pilot:
        await at(pilot, "HomeScreen")
        await until(pilot, lambda: len(ready_app.runs) == 2, "the runs")
        await press(pilot, "r")
        await at(pilot, "RunsScreen")
        await see(pilot, "created", "damaged", "a page is damaged")


@pytest.mark.asyncio
async def test_a_crash_shows_no_secret(
    ready_app: PoolwrightApp,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    def fail(session: Session, name: str, value: str) -> None:
        raise RuntimeError("made to crash")

    monkeypatch.setattr(Session, "give_secret", fail)

    async def type_it() -> None:
        async with ready_app.run_test(size=SIZE) as pilot:
            await to_step(pilot, "ConnectScreen")
            await fill(pilot, "canary-4711-canary", "enter", into="#s-agent")

    with pytest.raises(RuntimeError, match="made to crash") as caught:
        await type_it()
    assert "".join(capsys.readouterr()) == "", "the outermost guard tells it"
    monkeypatch.setenv("POOLWRIGHT_STATE_DIR", str(tmp_path / "state"))
    report = Path(crash.write_report(caught.value, [])).read_text()  # noqa: ASYNC240 - one small file
    assert "made to crash" in report
    assert "canary-4711" not in report


async def _ended(service: FakeService, app: PoolwrightApp, pilot: Pilot[Any], *, runs: int = 1) -> None:
    """Runs of the prepared pool in the list, the last one interrupted."""
    await at(pilot, "HomeScreen")
    await to_step(pilot, "ConnectScreen")
    await app.session.check()
    for _number in range(runs):
        run = await app.session.start()
        service.views[run] = replace(service.views[run], is_live=False, message="interrupted: resume it")
    app.session.run = ""
    await press(pilot, "escape")
    await at(pilot, "HomeScreen")
    await until(pilot, lambda: len(app.runs) == runs, "runs")
    await press(pilot, "r")
    await at(pilot, "RunsScreen")


@pytest.mark.asyncio
@pytest.mark.parametrize(("key", "deed"), [("f5", "resume"), ("f9", "rollback")])
async def test_an_interrupted_run_is_gone_on_with_or_taken_back(
    ready_app: PoolwrightApp, service: FakeService, key: str, deed: str
) -> None:
    ready_app.secrets = Secrets({name: value for name, value in SECRETS.items() if name != "agent"})
    async with ready_app.run_test(size=SIZE) as pilot:
        ready_app.secrets = Secrets(SECRETS)
        await _ended(service, ready_app, pilot)
        ready_app.secrets = Secrets({name: value for name, value in SECRETS.items() if name != "agent"})
        assert "interrupted" in text_of(ready_app)
        await press(pilot, key)
        await at(pilot, "AskSecrets")
        assert not service.deeds
        await until(
            pilot, lambda: ready_app.focused is ready_app.screen.query_one("#s-agent"), "the missing one"
        )
        await fill(pilot, SECRETS["agent"], "tab", "tab", "enter")
        await at(pilot, "RunsScreen")  # the safe answer was next
        assert not service.deeds
        await press(pilot, key)
        await at(pilot, "AskSecrets")
        await fill(pilot, SECRETS["agent"], "tab", "tab", "tab", "enter", into="#s-agent")
        if deed == "rollback":
            await at(pilot, "Ask")
            await see(pilot, "members: 2: ovs01, ovs02")
            await see(pilot, "VMs: none found")
            await fill(pilot, "pool2", "enter")
            await at(pilot, "RunsScreen")
            await until(pilot, lambda: "not confirmed" in told(ready_app), "refused")
            assert not service.deeds
            ready_app.secrets = Secrets(SECRETS)
            await pilot.press(key)
            await at(pilot, "AskSecrets")
            await pilot.press("tab", "enter")
            await at(pilot, "Ask")
            await fill(pilot, "pool1", "enter")
        await at(pilot, "DoneScreen")
        ((done, run, names),) = service.deeds
        assert (done, run, set(names)) == (deed, "260301-020000-00", set(SECRETS))


@pytest.mark.asyncio
async def test_a_pool_in_use_is_not_taken_back(ready_app: PoolwrightApp, service: FakeService) -> None:
    service.use = PoolUse(is_there=True, members=("ovs01",), vms=("payroll",))
    async with ready_app.run_test(size=SIZE) as pilot:
        await _ended(service, ready_app, pilot)
        ready_app.secrets = Secrets(SECRETS)
        await pilot.press("f9")
        await at(pilot, "AskSecrets")
        await pilot.press("tab", "enter")
        await at(pilot, "Help")
        await see(pilot, "refused: VMs live in it: payroll")
        assert not service.deeds


@pytest.mark.asyncio
async def test_two_runs_are_compared(ready_app: PoolwrightApp, service: FakeService) -> None:
    async with ready_app.run_test(size=SIZE) as pilot:
        await _ended(service, ready_app, pilot, runs=2)
        newest = ready_app.runs[0].run
        service.views[newest] = replace(service.views[newest], outcome=Outcome.CREATED, state=RunState.DONE)
        await press(pilot, "f6")
        await until(pilot, lambda: "mark one run" in told(ready_app), "told how")
        await press(pilot, "space", "down", "f6")
        await at(pilot, "Help")
        await see(pilot, f"A = {newest}")
        await see(pilot, "A: created")


@pytest.mark.asyncio
async def test_control_is_taken_over_only_when_asked(ready_app: PoolwrightApp, service: FakeService) -> None:
    service.hold = asyncio.Event()
    service.controller = "anna (pid 4711)"
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_ready(pilot)
        await fill(pilot, "pool1", "enter", into="#name")
        await at(pilot, "RunScreen")
        await until(pilot, lambda: "1 of 4 steps" in text_of(ready_app), "first step")
        await press(pilot, "p")
        await at(pilot, "Confirm")
        await see(pilot, "anna (pid 4711)")
        await press(pilot, "enter")
        await at(pilot, "RunScreen")
        assert service.actions == []
        await press(pilot, "p")
        await at(pilot, "Confirm")
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: service.actions == ["pause"], "taken over")
        service.hold.set()
        await at(pilot, "DoneScreen")


@pytest.mark.asyncio
async def test_a_run_that_ends_at_logout_says_so(ready_app: PoolwrightApp, service: FakeService) -> None:
    warning = "logind ends all your processes at logout: stay logged in"
    service.outlook = Survival(Way.DETACHED, False, "detached", (warning,))
    service.hold = asyncio.Event()
    async with ready_app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: ready_app.survives, "outlook")
        await to_ready(pilot)
        await see(pilot, "a run ENDS at logout")
        await fill(pilot, "pool1", "enter", into="#name")
        await at(pilot, "RunScreen")
        await until(pilot, lambda: warning in text_of(ready_app), "warning")
        service.hold.set()
        await at(pilot, "DoneScreen")


@pytest.mark.asyncio
async def test_a_run_attached_to_from_home_is_laid_out_like_any_screen(
    ready_app: PoolwrightApp, service: FakeService
) -> None:
    """The common layout came with the first form only; who attached from home got a screen without it."""
    service.hold = asyncio.Event()
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_step(pilot, "StorageScreen")  # any screen with a layout of its own, the first that is opened
        await ready_app.session.check()
        run = await ready_app.session.start()
        ready_app.entrance.choose("attach:" + run)
        await at(pilot, "RunScreen")
        await until(pilot, lambda: ready_app.screen.query_one("#nav").region.bottom == SIZE[1] - 1, "layout")
        service.hold.set()
        await at(pilot, "DoneScreen")


@pytest.mark.asyncio
async def test_what_a_run_asks_is_shown_and_answered(ready_app: PoolwrightApp, service: FakeService) -> None:
    service.asks = True
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_ready(pilot)
        await fill(pilot, "pool1", "enter", into="#name")
        await at(pilot, "Question")
        await see(pilot, "cannot see what became of it", "retry: look again now")
        await press(pilot, "enter")  # the answer that decides nothing
        await at(pilot, "RunScreen")
        await see(pilot, "F4 shows it")
        assert not service.actions
        await press(pilot, "f4")
        await at(pilot, "Question")
        await press(pilot, "down", "enter")
        await at(pilot, "DoneScreen")
        assert service.actions == ["retry"]


@pytest.mark.asyncio
async def test_a_question_that_was_answered_elsewhere_goes_away(
    ready_app: PoolwrightApp, service: FakeService
) -> None:
    service.asks, service.hold = True, asyncio.Event()
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_ready(pilot)
        await fill(pilot, "pool1", "enter", into="#name")
        await at(pilot, "Question")
        service.answered.set()
        await at(pilot, "RunScreen")
        await until(pilot, lambda: "F4 shows it" not in text_of(ready_app), "no question")
        assert not service.actions


@pytest.mark.asyncio
async def test_taking_over_is_offered_by_the_error_s_type_whatever_its_words(
    ready_app: PoolwrightApp, service: FakeService
) -> None:
    service.hold = asyncio.Event()
    elsewhere = ControlledElsewhere("r", "pause", "anna")
    elsewhere.message = "somebody else has it in hand"
    errors: list[PoolwrightError] = [elsewhere, RunnerError("cannot pause: take it over to the cleaners")]

    async def control(run: str, action: str, *, take_over: bool = False) -> str:
        raise errors.pop(0)

    async with ready_app.run_test(size=SIZE) as pilot:
        await to_ready(pilot)
        await fill(pilot, "pool1", "enter", into="#name")
        await at(pilot, "RunScreen")
        await until(pilot, lambda: "1 of 4 steps" in text_of(ready_app), "first step")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(service, "control", control)
            await pilot.press("p")
            await at(pilot, "Confirm")
            await see(pilot, "somebody else has it in hand")
            await pilot.press("enter")
            await at(pilot, "RunScreen")
            await pilot.press("p")
            await until(pilot, lambda: "to the cleaners" in told(ready_app), "told")
            await at(pilot, "RunScreen")
        service.hold.set()
        await at(pilot, "DoneScreen")
