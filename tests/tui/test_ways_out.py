"""What leaves the wizard: saved files, copied fixes; and what comes in: lists of servers, keys of one's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from core.models.plan import Plan
from core.models.results import Verdict
from core.runner.plan_file import read_plan
from core.settings import Settings
from tests.tui.conftest import at, fill, press, see, text_of, told, until
from tests.tui.fakes import SECRETS, FakeService
from tests.tui.ways import SIZE, to_ready, to_step
from tui.app import PoolwrightApp
from tui.saving import ENDINGS, Kind
from tui.widgets.choice import Choice


async def _choose(pilot: Pilot[Any], kind: str) -> None:
    """Another kind of file: its name is proposed."""
    await until(pilot, lambda: isinstance(pilot.app.focused, Choice), "what first")
    await press(pilot, kind[0])
    name = pilot.app.screen.query_one("#path", Input)
    await until(pilot, lambda: name.value.endswith(ENDINGS[Kind(kind)]), "its own name")


@pytest.mark.asyncio
async def test_the_review_is_saved_as_spec_plan_and_runbook(
    ready_app: PoolwrightApp, service: FakeService, tmp_path: Path
) -> None:
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_ready(pilot)
        for kind in Kind:
            path = tmp_path / f"out.{kind}"
            await press(pilot, "ctrl+s")
            await at(pilot, "SaveAs")
            await _choose(pilot, kind.value)
            await fill(pilot, str(path), "enter", into="#path")
            await at(pilot, "ReviewScreen")
            await until(pilot, path.exists, f"{kind} saved")
        await press(pilot, "ctrl+s")
        await at(pilot, "SaveAs")
        await fill(pilot, str(tmp_path / "out.spec"), "enter", into="#path")
        await until(pilot, lambda: "is there already" in text_of(ready_app), "asked before it is replaced")
        await press(pilot, "escape")
        await at(pilot, "ReviewScreen")
    assert service.load(tmp_path / "out.spec") == ready_app.session.spec()
    plan, data = read_plan(tmp_path / "out.plan")
    assert isinstance(plan, Plan)
    assert data["pool"]["name"] == "pool1"
    runbook = (tmp_path / "out.runbook").read_text()
    assert "run : discoverServer ipAddress=203.0.113.11" in runbook
    assert "undo: delete ServerPool id=<id of pool pool1>" in runbook
    for kind in Kind:
        text = (tmp_path / f"out.{kind}").read_text()
        assert not any(secret in text for secret in SECRETS.values())


@pytest.mark.asyncio
async def test_a_plan_that_findings_stop_is_not_saved(
    ready_app: PoolwrightApp, service: FakeService, tmp_path: Path
) -> None:
    service.bad["203.0.113.12", "server.owner.free"] = (Verdict.FAIL, "owned", "release it")
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_step(pilot, "ReviewScreen")
        await until(pilot, lambda: ready_app.session.is_fresh, "checks")
        await press(pilot, "ctrl+s")
        await at(pilot, "SaveAs")
        await _choose(pilot, "plan")
        await fill(pilot, str(tmp_path / "no.json"), "enter", into="#path")
        await at(pilot, "ReviewScreen")
        await until(pilot, lambda: "findings still stop it" in told(ready_app), "refused")
    assert not (tmp_path / "no.json").exists()


@pytest.mark.asyncio
async def test_servers_come_from_a_file(ready_app: PoolwrightApp, tmp_path: Path) -> None:
    path = tmp_path / "servers.txt"
    path.write_text("# rack 1\n198.51.100.[1-3]\n203.0.113.11\n")
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_step(pilot, "ServersScreen")
        await press(pilot, "f2")
        await at(pilot, "Ask")
        await fill(pilot, str(tmp_path / "missing"), "enter")
        await at(pilot, "ServersScreen")
        await until(pilot, lambda: "cannot read" in told(ready_app), "told")
        await press(pilot, "f2")
        await at(pilot, "Ask")
        await fill(pilot, str(path), "enter")
        await until(pilot, lambda: len(ready_app.session.answers.servers) == 6, "three more")


@pytest.mark.asyncio
async def test_servers_come_from_manager_s_own_list(bare_app: PoolwrightApp, service: FakeService) -> None:
    """Before a server is named: Manager's identity is confirmed first, and nobody else's is asked for."""
    service.known = ("203.0.113.21", "203.0.113.22")
    async with bare_app.run_test(size=SIZE) as pilot:
        await at(pilot, "HomeScreen")
        bare_app.entrance.begin("new")
        await at(pilot, "ConnectScreen")
        bare_app.session.answers.set("manager.host", "203.0.113.250")
        for name in ("manager", "agent"):
            bare_app.session.give_secret(name, SECRETS[name])
        bare_app.go("servers")
        await at(pilot, "ServersScreen")
        await press(pilot, "f2")
        await at(pilot, "Ask")
        await press(pilot, "enter")
        await at(pilot, "TrustScreen")
        await until(pilot, lambda: "1 new" in text_of(bare_app), "Manager alone")
        await press(pilot, "1", "enter")
        await at(pilot, "Confirm")
        await see(pilot, "203.0.113.21, 203.0.113.22")
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: bare_app.session.answers.servers == list(service.known), "added")
        assert not service.logins


@pytest.mark.asyncio
async def test_behind_a_jump_host_trust_takes_two_turns(
    ready_app: PoolwrightApp, service: FakeService
) -> None:
    async with ready_app.run_test(size=SIZE) as pilot:
        await at(pilot, "HomeScreen")
        await press(pilot, "enter")
        await at(pilot, "ConnectScreen")
        ready_app.session.answers.set("jump", "yes")
        ready_app.session.answers.set("jump.host", "203.0.113.1")
        await press(pilot, "f8")
        await at(pilot, "TrustScreen")
        await until(pilot, lambda: "the jump host first" in text_of(ready_app), "jump host alone")
        await press(pilot, "1", "enter")
        await until(pilot, lambda: "7 new" in text_of(ready_app), "those behind it")
        await press(pilot, "7", "enter")
        await at(pilot, "PoolScreen")
        assert len(service.pins) == 8


@pytest.mark.asyncio
async def test_a_fingerprint_is_shown_as_a_picture(ready_app: PoolwrightApp) -> None:
    async with ready_app.run_test(size=SIZE) as pilot:
        await at(pilot, "HomeScreen")
        await press(pilot, "enter")
        await at(pilot, "ConnectScreen")
        await press(pilot, "f8")
        await at(pilot, "TrustScreen")
        await until(pilot, lambda: "7 new" in text_of(ready_app), "identities")
        await press(pilot, "f4")
        await at(pilot, "Help")
        await see(pilot, "[SHA256]")
        await press(pilot, "escape")
        await at(pilot, "TrustScreen")


@pytest.mark.asyncio
async def test_keys_are_bound_anew(ready_app: PoolwrightApp, service: FakeService) -> None:
    service.settings = Settings.model_construct(keys={"wizard.next": "f20", "app.quit": "x"})
    async with ready_app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: ready_app.own_keys, "keys")
        assert "app.quit cannot be bound anew" in told(ready_app)
        await press(pilot, "enter")
        await at(pilot, "ConnectScreen")
        await until(pilot, lambda: "F20 Next" in text_of(ready_app), "shown in the last line")
        await press(pilot, "f8")
        assert type(ready_app.screen).__name__ == "ConnectScreen"
        await press(pilot, "f20")
        await at(pilot, "TrustScreen")


@pytest.mark.asyncio
async def test_the_palette_goes_to_steps_and_does_what_keys_do(ready_app: PoolwrightApp) -> None:
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_step(pilot, "PoolScreen")
        found = [each.title for each in ready_app.get_system_commands(ready_app.screen)]
        names = set(found)
        assert len(found) == len(names), "an action with two keys is one command"
        assert {"Go to Connect", "Go to Review", "Next", "Back", "Help", "Quit"} <= names
        assert "Go to Run" not in names
        await press(pilot, "ctrl+p")
        await at(pilot, "CommandPalette")
        await until(pilot, lambda: isinstance(ready_app.focused, Input), "palette")
        assert isinstance(ready_app.focused, Input)
        assert not ready_app.focused.cursor_blink
        ready_app.focused.value = "Go to Storage"
        await until(pilot, lambda: "Where the pool file system" in text_of(ready_app), "found")
        await press(pilot, "enter")
        await at(pilot, "StorageScreen")


def test_settings_hold_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "poolwright").mkdir()
    (tmp_path / "poolwright/settings.toml").write_text('[keys]\n"wizard.next" = "f2"\n')
    assert Settings().keys == {"wizard.next": "f2"}
    assert json.dumps(Settings().keys)
