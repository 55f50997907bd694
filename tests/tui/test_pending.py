"""A key acts on the state as it stands, not on what the last repaint left; with the draw interval at infinity too."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual.pilot import Pilot
from textual.widgets import DataTable, OptionList

from core.models.events import EventKind, RunEvent, StepState
from core.models.results import CheckResult, Verdict
from core.secrets import Secrets
from core.service import Checked
from core.settings import Settings
from tests.examples import examples
from tests.patience import PATIENCE
from tests.tui.conftest import at, fill, press, quiet, see, text_of, told, until
from tests.tui.fakes import NOW, SECRETS, SPEC, FakeService
from tests.tui.ways import SIZE, prepare, to_step
from tui.app import SCREENS, PoolwrightApp
from tui.screens.base import StepScreen
from tui.screens.run import RunScreen
from tui.widgets.findings import Findings

NEVER = Settings.model_construct(keys={}, draw_s=1e6)
AT_ONCE = Settings.model_construct(keys={}, draw_s=0.0)
NO_KEY = "f19"  # bound to nothing
FIRST = "203.0.113.11"


@pytest.fixture
def never(service: FakeService) -> FakeService:
    """Nothing is drawn by a timer."""
    service.settings = NEVER
    return service


async def begun(app: PoolwrightApp) -> None:
    """A checked pool whose run has begun, and goes no further."""
    await prepare(app)
    await app.session.check()


async def to_screen(pilot: Pilot[Any], step: str, service: FakeService) -> StepScreen:
    """Any screen of the wizard, with the pool looked at; a run is held after its first step."""
    app = pilot.app
    assert isinstance(app, PoolwrightApp)
    await until(pilot, lambda: app.autosave_path is not None, "home")
    await begun(app)
    if step in ("run", "done"):
        service.hold = asyncio.Event()
        await app.session.start()
    app.session.run_has_ended = step == "done"
    app.go(step)
    await at(pilot, SCREENS[step])
    screen = app.screen
    assert isinstance(screen, StepScreen)
    await until(pilot, lambda: screen._stands, "its widgets")
    return screen


@pytest.mark.asyncio
@pytest.mark.parametrize("step", SCREENS)
async def test_a_key_finds_the_newest_state_on_every_screen(
    ready_app: PoolwrightApp, never: FakeService, step: str
) -> None:
    async with ready_app.run_test(size=SIZE) as pilot:
        screen = await to_screen(pilot, step, never)
        await press(pilot, NO_KEY)
        drawn: list[int] = []
        draw = screen.draw

        def counted() -> None:
            drawn.append(ready_app.session.version)
            draw()

        screen.draw = counted  # type: ignore[method-assign]
        await press(pilot, NO_KEY, NO_KEY)
        assert drawn == [], "an idle screen draws nothing for a key"
        ready_app.session.error = "told after the last repaint"
        ready_app.session.touch()
        await quiet(pilot)
        assert drawn == [], "no timer draws in this test"
        await press(pilot, NO_KEY)
        assert drawn == [ready_app.session.version]
        if step not in ("run", "done"):  # these two say something else in that line
            await see(pilot, "told after the last repaint")


@pytest.mark.asyncio
@pytest.mark.parametrize("step", SCREENS)
async def test_an_idle_screen_paints_nothing_for_a_key(
    ready_app: PoolwrightApp, never: FakeService, step: str
) -> None:
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_screen(pilot, step, never)
        await press(pilot, NO_KEY)
        painted: list[object] = []
        display = ready_app._display

        def counted(*args: Any) -> None:
            painted.append(args)
            display(*args)

        ready_app._display = counted  # type: ignore[method-assign,assignment]
        await press(pilot, NO_KEY, NO_KEY, NO_KEY)
        assert painted == []


@pytest.mark.asyncio
async def test_a_click_finds_the_newest_state(ready_app: PoolwrightApp, never: FakeService) -> None:
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_screen(pilot, "review", never)
        column = text_of(ready_app).splitlines()[-1].index("F9")
        await _tell(ready_app, _result(FIRST, "server.clock.close", Verdict.FAIL))
        await pilot.click("KeyBar", offset=(column + 1, 0))
        await at(pilot, "Ask")
        await see(pilot, "server.clock.close")


@pytest.mark.asyncio
async def test_f9_before_the_list_is_drawn_asks_for_the_waiver(
    ready_app: PoolwrightApp, never: FakeService
) -> None:
    never.bad[FIRST, "server.clock.close"] = (Verdict.FAIL, "30 s off", "set the clock")
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_step(pilot, "ReviewScreen")
        await until(pilot, lambda: ready_app.session.is_fresh, "checks")
        assert not ready_app.screen.query_one(Findings).results, (
            "it is drawn already: this test shows nothing"
        )
        await press(pilot, "f9")
        await at(pilot, "Ask")
        await see(pilot, "server.clock.close")


@pytest.mark.asyncio
async def test_a_server_that_was_never_drawn_is_dropped(ready_app: PoolwrightApp, never: FakeService) -> None:
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_screen(pilot, "servers", never)
        session = ready_app.session
        session.answers.set_servers(["203.0.113.77"])
        session.touch()
        await press(pilot, "delete")
        await until(pilot, lambda: session.answers.servers == [], "dropped")


@pytest.mark.asyncio
async def test_the_first_letter_of_the_name_is_not_lost(ready_app: PoolwrightApp, never: FakeService) -> None:
    """The line for the pool's name appears with the plan; who types at once types into it."""
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_step(pilot, "ReviewScreen")
        await until(pilot, lambda: ready_app.session.is_fresh, "checks")
        assert not ready_app.screen.query_one("#question").display
        await press(pilot, *"pool1", "enter")
        await at(pilot, "DoneScreen")


@pytest.mark.asyncio
async def test_a_key_on_the_run_draws_its_newest_step(ready_app: PoolwrightApp, never: FakeService) -> None:
    async with ready_app.run_test(size=SIZE) as pilot:
        screen = await to_screen(pilot, "run", never)
        assert isinstance(screen, RunScreen)
        bridge = screen.bridge
        await until(pilot, lambda: bridge.progress[0] == 1, "its first step")
        told_now = RunEvent(
            run=bridge.run, seq=bridge.last_seq + 1, at=NOW, kind=EventKind.STEP_STATE,
            step="create_pool:pool", state=StepState.FAILED.value, text="Manager says no",
        )  # fmt: skip
        bridge.apply(told_now)
        await quiet(pilot)
        assert "Manager says no" not in text_of(ready_app)
        await press(pilot, NO_KEY)
        await see(pilot, "Manager says no")


@pytest.mark.asyncio
async def test_an_answer_never_goes_to_another_question(ready_app: PoolwrightApp, never: FakeService) -> None:
    async with ready_app.run_test(size=SIZE) as pilot:
        screen = await to_screen(pilot, "run", never)
        assert isinstance(screen, RunScreen)
        bridge = screen.bridge
        await until(pilot, lambda: bridge.progress[0] == 1, "its first step")
        bridge.question, bridge.answers = "shall it look again?", {"retry": "look again"}
        await press(pilot, "f4")
        await at(pilot, "Question")
        bridge.question, bridge.answers = "shall it be left as it is?", {"leave": "leave it"}
        await press(pilot, "down", "enter")
        await at(pilot, "RunScreen")
        assert never.actions == []
        assert "asks something else" in told(ready_app)
        screen.draw_dirty()
        await press(pilot, "f4")
        await see(pilot, "shall it be left as it is?")
        await press(pilot, "down", "enter")
        await until(pilot, lambda: never.actions == ["leave"], "answered")


def burst(app: PoolwrightApp, *keys: str) -> None:
    """Keys that come together, as a slow line brings them."""
    for key in keys:
        app.post_message(events.Key(key, key if len(key) == 1 else None))


@pytest.mark.asyncio
async def test_what_was_typed_reaches_the_session_before_the_key_behind_it(ready_app: PoolwrightApp) -> None:
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_step(pilot, "PoolScreen")
        await until(pilot, lambda: getattr(ready_app.focused, "id", "") == "f-pool-name", "focus")
        burst(ready_app, "end", "x", "y", "f8")
        await at(pilot, "ServersScreen")
        assert ready_app.session.answers.flat["pool.name"] == "pool1xy"
        assert ready_app.session.answers.data["pool"]["name"] == "pool1xy"


@pytest.mark.asyncio
async def test_options_take_the_last_letter(ready_app: PoolwrightApp) -> None:
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_step(pilot, "ServersScreen")
        await press(pilot, "f9")
        await at(pilot, "Options")
        burst(ready_app, *FIRST, "escape")
        await at(pilot, "ServersScreen")
        assert ready_app.session.answers.data["pool"]["master"] == FIRST


@pytest.mark.asyncio
async def test_a_password_without_enter_is_taken_with_the_step_and_sent_once(
    ready_app: PoolwrightApp, service: FakeService
) -> None:
    ready_app.secrets = Secrets({name: value for name, value in SECRETS.items() if name != "ssh"})
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_step(pilot, "ConnectScreen")
        await fill(pilot, "", into="#s-ssh")
        burst(ready_app, *"wrong", "f8")
        await at(pilot, "PoolScreen")
        await until(pilot, lambda: ready_app.session.refused == {"ssh"}, "refused")
        tried = len(service.logins)
        await press(pilot, "f8")
        await at(pilot, "ServersScreen")
        await press(pilot, "f5")
        assert len(service.logins) == tried
        assert ready_app.session.secrets.get("ssh") == "wrong"


@pytest.mark.asyncio
async def test_an_entry_of_home_that_was_moved_to_stays_under_the_cursor(ready_app: PoolwrightApp) -> None:
    async with ready_app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: ready_app.autosave_path is not None, "home")
        menu = ready_app.screen.query_one(OptionList)
        menu.highlighted = menu.get_option_index("runs")
        assert ready_app.autosave_path is not None
        ready_app.autosave_path.parent.mkdir(parents=True, exist_ok=True)
        ready_app.autosave_path.write_text("{}")  # one more entry above
        ready_app.look_at_runs()
        await see(pilot, "Continue")
        assert menu.highlighted_option is not None
        assert menu.highlighted_option.id == "runs"


@pytest.mark.asyncio
async def test_the_list_of_runs_is_as_new_as_its_screen(
    ready_app: PoolwrightApp, service: FakeService
) -> None:
    """R before home had looked for runs showed none."""
    async with ready_app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: ready_app.autosave_path is not None, "home")
        await begun(ready_app)
        run = await ready_app.session.start()
        assert ready_app.runs == []
        await press(pilot, "r")
        await at(pilot, "RunsScreen")
        await see(pilot, run)
        service.views[run] = replace(service.views[run], is_live=False, message="interrupted: resume it")
        ready_app.look_at_runs()
        await see(pilot, "interrupted: resume it")


@pytest.mark.asyncio
async def test_secrets_are_reached_from_the_form_before_they_were_drawn(
    ready_app: PoolwrightApp, never: FakeService
) -> None:
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_step(pilot, "ConnectScreen")
        await until(pilot, lambda: ready_app.screen.query("#s-ssh"), "passwords")
        await press(pilot, "f4")
        last = [row for row in ready_app.screen.query("FieldRow") if row.display][-1]
        last.query_one("Input").focus()
        await press(pilot, "enter")
        assert getattr(ready_app.focused, "id", "") == "s-manager"


@pytest.mark.asyncio
async def test_a_verdict_belongs_to_its_look(ready_app: PoolwrightApp, service: FakeService) -> None:
    """It was kept under the id of the look, which the next one gets when the one before is gone."""
    async with ready_app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: ready_app.autosave_path is not None, "home")
        await begun(ready_app)
        session = ready_app.session
        assert session.checked is not None
        fleet = session.checked.fleet
        for turn in range(20):
            verdict = Verdict.FAIL if turn % 2 else Verdict.PASS
            session.checked = None
            session.checked = Checked(fleet, (_result(FIRST, "server.clock.close", verdict),))
            verdicts = session.verdicts()
            assert verdicts is not None
            assert verdicts.may_apply is (verdict is Verdict.PASS)


# -- a property: what keys do does not depend on when the screen is painted

NAMES = [f"203.0.113.{n}" for n in (11, 12, 13)]
CHECKS = ["server.owner.free", "server.clock.close", "storage.pool_fs.reachable"]
changes = st.tuples(st.sampled_from(NAMES), st.sampled_from(CHECKS), st.sampled_from([*Verdict]))
KEYS = {
    "servers": ["f3", "f4", "down", "up", "delete", "end", "home"],
    "review": ["f3", "f4", "f9", "escape", "c", "down", "up", "end"],
    "storage": ["f3", "c", "escape", "tab", "down"],
}
scripts = st.sampled_from(sorted(KEYS)).flatmap(
    lambda step: st.tuples(
        st.just(step),
        st.lists(st.tuples(changes, st.sampled_from(KEYS[step])), min_size=1, max_size=8),
    )
)


def _result(server: str, check: str, verdict: Verdict) -> CheckResult:
    base = _RESULTS[check]
    return base.model_copy(
        update={"target": server, "servers": (server,), "verdict": verdict, "detail": verdict.value}
    )


_RESULTS = {
    each.id: each
    for each in FakeService(Path())._results(
        FIRST, FakeService(Path())._facts(FIRST, FakeService(Path()).parse(SPEC), Secrets(SECRETS))
    )
}


async def _tell(app: PoolwrightApp, result: CheckResult) -> None:
    """One more result, as a look hands it on."""
    await app.session._on_result(result)


async def played(
    step: str, script: Sequence[tuple[tuple[str, str, Verdict], str]], settings: Settings
) -> tuple[object, ...]:
    """What a script of results and keys leads to."""
    with tempfile.TemporaryDirectory() as folder:
        service = FakeService(Path(folder))
        service.settings = settings
        app = PoolwrightApp(lambda: service, spec=SPEC, secrets=Secrets(SECRETS))
        async with app.run_test(size=SIZE) as pilot:
            await to_screen(pilot, step, service)
            for change, key in script:
                await _tell(app, _result(*change))
                if settings.draw_s == 0:
                    await until(pilot, lambda: _is_drawn(app), "drawn by its timer")
                await press(pilot, key)
            await press(pilot, NO_KEY)
            await until(pilot, lambda: app.session.is_current, "looked at again")
            await press(pilot, NO_KEY)
            tables = [
                (each.cursor_row, [[str(cell) for cell in each.get_row_at(n)] for n in range(each.row_count)])
                for screen in app.screen_stack
                for each in screen.query(DataTable)
            ]
            return type(app.screen).__name__, app.session.answers.servers, app.clipboard, tables


def _is_drawn(app: PoolwrightApp) -> bool:
    shown = [each for each in app.screen_stack if isinstance(each, StepScreen) and each.is_current]
    return all(each._drawn == app.session.version for each in shown)


@pytest.mark.timeout(1200 * PATIENCE)
@given(scripts)
@examples(8)
def test_keys_do_the_same_whenever_the_screen_is_painted(
    script: tuple[str, list[tuple[tuple[str, str, Verdict], str]]],
) -> None:
    step, moves = script
    assert asyncio.run(played(step, moves, NEVER)) == asyncio.run(played(step, moves, AT_ONCE))
