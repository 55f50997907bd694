"""From home to a created pool by keyboard, and every other way through."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest
from textual import events
from textual.widgets import DataTable, Input, OptionList

from core.models.results import Verdict
from tests.tui.conftest import at, fill, press, see, text_of, told, until
from tests.tui.fakes import SECRETS, FakeService
from tests.tui.ways import SIZE, to_ready, to_step, to_trust, walk_to_ready
from tui.app import SCREENS, PoolwrightApp
from tui.screens.servers import ServerInput
from tui.widgets.choice import Choice
from tui.widgets.findings import Findings
from tui.widgets.server_table import ServerTable


@pytest.mark.asyncio
async def test_from_home_to_a_created_pool_in_few_keys(
    ready_app: PoolwrightApp, service: FakeService
) -> None:
    async with ready_app.run_test(size=SIZE) as pilot:
        keys = await walk_to_ready(pilot)
        await fill(pilot, "pool1", "enter", into="#name")
        await at(pilot, "DoneScreen")
        await see(pilot, "created")
        await see(pilot, "Item 7")
        assert keys + 1 <= 40
        assert len(service.started) == 1


@pytest.mark.asyncio
async def test_a_pool_typed_by_hand(bare_app: PoolwrightApp, service: FakeService) -> None:
    async with bare_app.run_test(size=SIZE) as pilot:
        await at(pilot, "HomeScreen")
        await press(pilot, "n")
        await at(pilot, "ConnectScreen")
        await press(pilot, "f8")
        await until(pilot, lambda: "manager.host: is required" in told(bare_app), "told what is missing")
        assert type(bare_app.screen).__name__ == "ConnectScreen"
        await until(pilot, lambda: getattr(bare_app.focused, "id", "") == "f-manager-host", "led there")
        await fill(pilot, "203.0.113.250", "enter")
        for name in ("manager", "agent"):
            await fill(pilot, SECRETS[name], "enter", into=f"#s-{name}")
        await press(pilot, "f8")
        await at(pilot, "PoolScreen")
        await fill(pilot, "hand", "enter")
        await fill(pilot, "203.0.113.100", "f8")
        await at(pilot, "ServersScreen")
        await fill(pilot, "203.0.113.[11-12]", "enter")
        await until(pilot, lambda: bare_app.session.answers.servers, "servers")
        assert bare_app.session.answers.servers == ["203.0.113.11", "203.0.113.12"]
        assert service.logins == []
        await press(pilot, "f8")
        await at(pilot, "TrustScreen")
        await until(pilot, lambda: "3 new" in text_of(bare_app), "identities")
        await press(pilot, "3", "enter")
        await at(pilot, "ServersScreen")
        await until(pilot, lambda: bare_app.session.is_fresh, "live checks")
        await press(pilot, "f8")
        await at(pilot, "StorageScreen")
        await press(pilot, "f8")
        await see(pilot, "R021")
        assert type(bare_app.screen).__name__ == "StorageScreen"
        await until(pilot, lambda: getattr(bare_app.focused, "id", "") == "f-pool-file_system", "led there")
        await press(pilot, "right", "enter")
        await fill(pilot, "203.0.113.200", "enter")
        await fill(pilot, "/export/hand", "f8")
        await at(pilot, "CompatibilityScreen")
        await press(pilot, "f8")
        await at(pilot, "ReviewScreen")
        await see(pilot, "ready")
        await fill(pilot, "hand", "enter")
        await at(pilot, "DoneScreen")
        spec, _plan, _accepted = service.started[0]
        assert spec.pool_name == "hand"
        assert spec.server_names == ("203.0.113.11", "203.0.113.12")


@pytest.mark.asyncio
async def test_going_back_keeps_every_answer(ready_app: PoolwrightApp) -> None:
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_step(pilot, "PoolScreen")
        name = ready_app.screen.query_one("#f-pool-name", Input)
        name.focus()
        await press(pilot, "end", "x", "f7")
        await at(pilot, "ConnectScreen")
        await press(pilot, "f8")
        await at(pilot, "PoolScreen")
        assert ready_app.screen.query_one("#f-pool-name", Input).value == "pool1x"
        await press(pilot, "escape")
        await at(pilot, "ConnectScreen")
        await press(pilot, "escape")
        await at(pilot, "HomeScreen")
        await until(pilot, lambda: "Continue" in text_of(ready_app), "saved answers")


@pytest.mark.asyncio
async def test_answers_are_restored_without_secrets(
    ready_app: PoolwrightApp, bare_app: PoolwrightApp, service: FakeService
) -> None:
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_step(pilot, "PoolScreen")
    saved = service.paths.root / "wizard.json"
    assert saved.stat().st_mode & 0o777 == 0o600
    assert not any(secret in saved.read_text() for secret in SECRETS.values())
    async with bare_app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "Continue" in text_of(bare_app), "saved answers")
        bare_app.screen.query_one(OptionList).highlighted = 0
        await press(pilot, "enter")
        await at(pilot, "ConnectScreen")
        assert bare_app.session.answers.servers == ["203.0.113.11", "203.0.113.12", "203.0.113.13"]
        assert bare_app.session.missing_secrets()


@pytest.mark.asyncio
async def test_trust_needs_the_count_and_sends_nothing_before(
    ready_app: PoolwrightApp, service: FakeService
) -> None:
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_trust(pilot)
        await press(pilot, "6", "enter")
        await until(pilot, lambda: "type 7, the number" in told(ready_app), "told")
        assert type(ready_app.screen).__name__ == "TrustScreen"
        assert not service.pins
        assert not service.logins
        await press(pilot, "backspace", "7", "enter")
        await at(pilot, "PoolScreen")
        assert len(service.pins) == 7
        await press(pilot, "f7")
        await at(pilot, "ConnectScreen")
        await press(pilot, "f8")
        await at(pilot, "PoolScreen")  # known now: not asked again


@pytest.mark.asyncio
async def test_a_changed_identity_stops_everything(ready_app: PoolwrightApp, service: FakeService) -> None:
    service.changed.add("203.0.113.12")
    async with ready_app.run_test(size=SIZE) as pilot:
        await at(pilot, "HomeScreen")
        await press(pilot, "enter")
        await at(pilot, "ConnectScreen")
        await press(pilot, "f8")
        await at(pilot, "TrustScreen")
        await until(pilot, lambda: "2 changed" in text_of(ready_app), "changed")
        assert not ready_app.screen.query_one("#question").display
        await press(pilot, "f8", "enter")
        await until(pilot, lambda: "an identity has changed" in told(ready_app), "told")
        assert type(ready_app.screen).__name__ == "TrustScreen"
        assert not service.pins
        await press(pilot, "escape")
        await at(pilot, "ConnectScreen")
        assert not service.logins


@pytest.mark.asyncio
async def test_a_refused_password_is_tried_on_one_server_only(
    ready_app: PoolwrightApp, service: FakeService
) -> None:
    service.password["agent"] = "another"
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_step(pilot, "ServersScreen")
        await until(pilot, lambda: ready_app.session.refused, "refusal")
        assert {server for server, _name in service.logins} == {"203.0.113.11"}
        tried = len(service.logins)
        await press(pilot, "f5")
        await until(pilot, lambda: "cannot check yet" in told(ready_app), "told")
        assert len(service.logins) == tried  # nothing by itself, nor by key, until it is typed again
        assert "login refused" in text_of(ready_app)
        await press(pilot, "f7")
        await at(pilot, "PoolScreen")
        await press(pilot, "f7")
        await at(pilot, "ConnectScreen")
        await press(pilot, "f8")
        await until(pilot, lambda: told(ready_app).count("refused, type it again") == 2, "told")
        assert type(ready_app.screen).__name__ == "ConnectScreen"
        await fill(pilot, "another", "enter", "f8", into="#s-agent")
        await at(pilot, "PoolScreen")
        await until(pilot, lambda: ready_app.session.is_fresh, "checks")
        assert {server for server, _name in service.logins} == {f"203.0.113.{n}" for n in (11, 12, 13)}


@pytest.mark.asyncio
async def test_five_hundred_pasted_lines_are_taken_at_once(bare_app: PoolwrightApp) -> None:
    async with bare_app.run_test(size=SIZE) as pilot:
        await at(pilot, "HomeScreen")
        bare_app.entrance.begin("new")
        await at(pilot, "ConnectScreen")
        bare_app.go("servers")
        await at(pilot, "ServersScreen")
        line = bare_app.screen.query_one(ServerInput)
        line.focus()
        text = "\n".join(f"198.51.{n // 250}.{n % 250 + 1}  # rack {n}" for n in range(500))
        line.post_message(events.Paste(text))
        await until(pilot, lambda: bare_app.screen.query_one(ServerTable).row_count == 500, "500 rows")
        assert line.value == ""
        line.post_message(events.Paste("198.51.0.1\n198.51.99.[1-3]\nbad[1-"))
        await until(pilot, lambda: len(bare_app.session.answers.servers) == 503, "three more")


@pytest.mark.asyncio
async def test_a_failed_check_shows_its_fix_and_stops_the_review(
    ready_app: PoolwrightApp, service: FakeService
) -> None:
    service.bad["203.0.113.12", "server.owner.free"] = (
        Verdict.FAIL, "owned by another Manager \x1b[31m[red]", "release it there first"
    )  # fmt: skip
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_step(pilot, "ServersScreen")
        await until(pilot, lambda: ready_app.session.is_fresh, "checks")
        await press(pilot, "f3")
        await until(pilot, lambda: "release it there first" in text_of(ready_app), "fix")
        assert "\x1b" not in text_of(ready_app)
        assert "[red]" in text_of(ready_app)
        await press(pilot, "f8")
        await at(pilot, "StorageScreen")
        await press(pilot, "f8")
        await at(pilot, "CompatibilityScreen")
        await press(pilot, "f8")
        await at(pilot, "ReviewScreen")
        await until(pilot, lambda: "1" in text_of(ready_app), "counts")
        await press(pilot, "f8")
        await until(pilot, lambda: isinstance(ready_app.focused, DataTable), "led to the findings")
        assert type(ready_app.screen).__name__ == "ReviewScreen"
        assert not ready_app.screen.query_one("#question").display
        assert ready_app.screen.query_one(Findings).results[0].id == "server.owner.free"
        service.bad.clear()
        await press(pilot, "f5")
        await until(pilot, lambda: "ready" in text_of(ready_app), "mended")


@pytest.mark.asyncio
async def test_a_finding_is_read_in_full_and_its_fix_copied(
    ready_app: PoolwrightApp, service: FakeService
) -> None:
    service.bad["203.0.113.12", "storage.pool_fs.reachable"] = (
        Verdict.FAIL,
        "no export " * 90,
        "export it " * 40,
    )
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_step(pilot, "StorageScreen")
        await until(pilot, lambda: ready_app.session.is_fresh, "checks")
        table = ready_app.screen.query_one("#storage-findings DataTable")
        table.focus()
        await until(pilot, lambda: ready_app.focused is table, "focus")
        await until(pilot, lambda: ready_app.screen.query_one(Findings).current, "findings")
        await press(pilot, "c")
        assert ready_app.clipboard.startswith("export it export it")
        await at(pilot, "Copied")
        assert text_of(ready_app).splitlines()[1].startswith("export it export it")
        await press(pilot, "escape", "enter")
        await at(pilot, "Help")
        await press(pilot, "end")
        await until(pilot, lambda: "source: server-pools 2" in text_of(ready_app), "the end of the text")
        await press(pilot, "escape")
        await at(pilot, "StorageScreen")


@pytest.mark.asyncio
async def test_a_click_on_the_key_line_does_what_the_key_does(ready_app: PoolwrightApp) -> None:
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_step(pilot, "PoolScreen")
        await until(pilot, lambda: "F8 Next" in text_of(ready_app), "keys")
        column = text_of(ready_app).splitlines()[-1].index("F8")
        await pilot.click("KeyBar", offset=(column + 1, 0))
        await at(pilot, "ServersScreen")


@pytest.mark.asyncio
async def test_dropping_a_server_mends_the_pool(ready_app: PoolwrightApp, service: FakeService) -> None:
    service.bad["203.0.113.12", "server.owner.free"] = (Verdict.FAIL, "owned", "drop it")
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_step(pilot, "ServersScreen")
        await until(pilot, lambda: ready_app.session.is_fresh, "checks")
        await press(pilot, "f3", "delete")
        await until(pilot, lambda: len(ready_app.session.answers.servers) == 2, "dropped")
        await until(pilot, lambda: ready_app.session.is_fresh, "checked again")
        assert ready_app.session.verdicts() is not None
        assert ready_app.session.verdicts().may_apply  # type: ignore[union-attr]


@pytest.mark.asyncio
async def test_options_of_all_servers(ready_app: PoolwrightApp) -> None:
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_step(pilot, "ServersScreen")
        await press(pilot, "f9")
        await at(pilot, "Options")
        await fill(pilot, "203.0.113.13", "escape")
        await at(pilot, "ServersScreen")
        assert ready_app.session.answers.data["pool"]["master"] == "203.0.113.13"


@pytest.mark.asyncio
async def test_an_unknown_blocker_is_accepted_by_its_typed_id_only(
    ready_app: PoolwrightApp, service: FakeService
) -> None:
    service.bad["203.0.113.11", "server.clock.close"] = (Verdict.UNKNOWN, "no clock seen", "look yourself")
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_step(pilot, "ReviewScreen")
        await until(pilot, lambda: "accept it by typing its id" in text_of(ready_app), "unaccepted")
        await press(pilot, "f6")
        await at(pilot, "Ask")
        await fill(pilot, "something", "enter")
        await at(pilot, "ReviewScreen")
        assert not ready_app.session.answers.accepted
        await press(pilot, "f6")
        await at(pilot, "Ask")
        await fill(pilot, "server.clock.close", "enter")
        await at(pilot, "ReviewScreen")
        await see(pilot, "ready")
        await fill(pilot, "pool1", "enter", into="#name")
        await at(pilot, "DoneScreen")
        assert service.started[0][2] == ("server.clock.close",)


@pytest.mark.asyncio
async def test_a_waiver_needs_a_reason_and_ends_by_itself(
    ready_app: PoolwrightApp, service: FakeService
) -> None:
    service.bad["203.0.113.11", "server.clock.close"] = (Verdict.FAIL, "30 s off", "set the clock")
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_step(pilot, "ReviewScreen")
        await until(pilot, lambda: ready_app.session.is_fresh, "checks")
        await press(pilot, "f9")
        await at(pilot, "Ask")
        await press(pilot, "n", "o", "enter")
        await at(pilot, "ReviewScreen")
        assert "waivers" not in ready_app.session.answers.base
        await press(pilot, "f9")
        await at(pilot, "Ask")
        await fill(pilot, "clock is fixed tonight", "enter")
        await at(pilot, "ReviewScreen")
        await see(pilot, "ready")
        waiver = ready_app.session.spec().waivers[0]
        assert (waiver.check, waiver.target) == ("server.clock.close", "203.0.113.11")


@pytest.mark.asyncio
async def test_the_wrong_name_starts_nothing(ready_app: PoolwrightApp, service: FakeService) -> None:
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_ready(pilot)
        await fill(pilot, "pool2", "enter")
        await until(pilot, lambda: "that is not the name" in told(ready_app), "told")
        assert type(ready_app.screen).__name__ == "ReviewScreen"
        assert not service.started


@pytest.mark.asyncio
async def test_the_plan_shows_commands_undo_and_the_point_of_no_return(ready_app: PoolwrightApp) -> None:
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_ready(pilot)
        await press(pilot, "f2")
        await until(pilot, lambda: "discoverServer" in text_of(ready_app), "plan")
        await press(pilot, "end", "down", "down", "down")
        await until(pilot, lambda: "undo: delete ServerPool" in text_of(ready_app), "undo")
        await see(pilot, "point of no return")
        await see(pilot, "the pool file system on the storage")


@pytest.mark.asyncio
async def test_results_stream_while_the_operator_goes_on(
    ready_app: PoolwrightApp, service: FakeService
) -> None:
    service.stall = asyncio.Event()
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_step(pilot, "ServersScreen")
        await until(pilot, lambda: "203.0.113.11" in ready_app.session.servers, "first server")
        await see(pilot, "checking")
        await press(pilot, "f8")
        await at(pilot, "StorageScreen")
        service.stall.set()
        await until(pilot, lambda: ready_app.session.is_fresh, "checks end on another screen")


@pytest.mark.asyncio
async def test_a_spec_file_is_opened(bare_app: PoolwrightApp, tmp_path: Any) -> None:
    path = tmp_path / "pool.yaml"
    path.write_text(
        "manager: {host: 203.0.113.250}\nservers: ['203.0.113.[11-12]']\npool: {name: filed, clustered: false}\n"
    )
    async with bare_app.run_test(size=SIZE) as pilot:
        await at(pilot, "HomeScreen")
        await press(pilot, "o")
        await at(pilot, "Ask")
        await fill(pilot, "/nowhere.yaml", "enter")
        await at(pilot, "HomeScreen")
        await press(pilot, "o")
        await at(pilot, "Ask")
        bare_app.screen.query_one(Input).value = str(path)
        await press(pilot, "enter")
        await at(pilot, "ConnectScreen")
        assert bare_app.session.answers.flat["pool.name"] == "filed"
        assert bare_app.session.answers.servers == ["203.0.113.11", "203.0.113.12"]


@pytest.mark.asyncio
async def test_variants_show_their_own_inputs_and_keep_both_answers(ready_app: PoolwrightApp) -> None:
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_step(pilot, "StorageScreen")
        kind = ready_app.screen.query_one("#f-pool-file_system", Choice)
        kind.focus()
        await press(pilot, "right")
        await until(pilot, lambda: "WWID" in text_of(ready_app), "lun inputs")
        assert "NFS server" not in text_of(ready_app)
        await press(pilot, "left")
        await until(pilot, lambda: "203.0.113.200" in text_of(ready_app), "nfs inputs kept")


@pytest.mark.asyncio
async def test_help_explains_the_input_and_lists_the_keys(ready_app: PoolwrightApp) -> None:
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_step(pilot, "PoolScreen")
        await press(pilot, "f1")
        await at(pilot, "Help")
        await see(pilot, "R095")
        await see(pilot, "nothing is lost")
        await press(pilot, "escape")
        await at(pilot, "PoolScreen")
        assert ready_app.focused is not None
        assert ready_app.focused.id == "f-pool-name"


@pytest.mark.asyncio
async def test_every_button_is_reached_by_tab_and_works_by_enter(ready_app: PoolwrightApp) -> None:
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_step(pilot, "ServersScreen")
        for _turn in range(12):
            if (
                getattr(ready_app.focused, "label", "")
                and str(getattr(ready_app.focused, "label", "")) == "Next"
            ):
                break
            await press(pilot, "tab")
        await press(pilot, "enter")
        await at(pilot, "StorageScreen")


@pytest.mark.asyncio
async def test_every_screen_is_usable_at_every_size(ready_app: PoolwrightApp) -> None:
    sizes = [(80, 24), (60, 20), (160, 50)]
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_step(pilot, "ConnectScreen")
        for step in ("connect", "pool", "servers", "storage", "compatibility", "review"):
            ready_app.go(step)
            await at(pilot, SCREENS[step])
            screen = ready_app.screen
            for width, height in sizes:
                await pilot.resize_terminal(width, height)
                await until(pilot, partial(_fits, ready_app, height), f"{step} at {width}x{height}")
                assert screen.query_one("#body").region.height >= 8
                buttons = [each.region for each in screen.query("#nav Button")]
                assert all(each.width > 2 for each in buttons)
                assert max(each.right for each in buttons) <= width, f"{step}: a button is cut at {width}"


def _fits(app: PoolwrightApp, height: int) -> bool:
    """The screen is as high as the terminal, the keys are in its last line, the buttons above them."""
    lines = text_of(app).splitlines()
    nav = app.screen.query_one("#nav").region
    return len(lines) == height and "Next" in lines[-1] and nav.bottom <= height - 1
