"""What a run says of a pool that nobody could look at in full, from the plan to a later `check`, on the lab."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
from typing_extensions import override

from core.cli.main import main
from core.errors import ExitCode
from core.lab.fleet import Lab
from core.models.events import Outcome
from core.models.spec import BaseSpec
from core.reports.text import plan_text, run_text
from core.secrets import Secrets
from core.service import Checked, Service
from core.transports.limits import Limits
from tests.whole.job import SPEED

pytestmark = pytest.mark.timeout(1200)  # runners in processes of their own, on a machine that may be busy


class Impatient(Service):
    """Looks again for seconds, not for minutes, at what does not settle."""

    @override
    def _limits(self) -> Limits:
        return replace(super()._limits(), manager_settle_s=5.0)


async def checked(service: Service, spec: BaseSpec, secrets: Secrets) -> tuple[Checked, list[str]]:
    """One look, and the ids that must be accepted."""
    service.trust(await service.identities(spec, secrets))
    look = await service.check(spec, secrets)
    verdicts = service.judge(spec, look)
    assert not verdicts.refusals
    return look, sorted({result.id for result in verdicts.unaccepted})


def common_words(lab: Lab, folder: Path) -> list[str]:
    """What every command needs: the state folder, and a file with the passwords."""
    passwords = folder / "passwords"
    passwords.write_text("".join(f"{name}: {value}\n" for name, value in lab.passwords.items()))
    passwords.chmod(0o600)
    return ["--state-dir", str(folder / "state"), "--password-file", str(passwords)]


@pytest.mark.asyncio
async def test_where_no_check_applies_nothing_is_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with Lab.from_scenario("unclustered", servers=3, speed=SPEED) as lab:
        service = Service(tmp_path / "state")
        lab.write_ready(tmp_path / "ready.json")
        spec_file = tmp_path / "ready.json.spec.yaml"
        service.trust(await service.identities(service.load(spec_file), Secrets(lab.passwords)))
        words = ["check", str(spec_file), "--check", "storage.nfs.empty", *common_words(lab, tmp_path)]
        assert await asyncio.to_thread(main, words) == ExitCode.BAD_INPUT
        said = capsys.readouterr()
        assert "Not judged" in said.out
        assert "can be made" not in said.out
        assert await asyncio.to_thread(main, [*words, "--json"]) == ExitCode.BAD_INPUT
        said = capsys.readouterr()
        assert json.loads(said.out)["summary"]["may_apply"] is None
        assert "Not judged" in said.err


@pytest.mark.asyncio
async def test_without_ssh_what_cannot_be_seen_is_in_the_plan_and_counted(tmp_path: Path) -> None:
    async with Lab.from_scenario("unclustered", servers=3, speed=SPEED) as lab:
        service, secrets = Service(tmp_path / "state"), Secrets(lab.passwords)
        data = lab.spec_data()
        del data["ssh"]
        spec = service.parse(data)
        look, accept = await checked(service, spec, secrets)
        plan = service.plan(spec, look)
        blind = {item.id: item.title for item in plan.unobservable}
        assert list(blind) == ["agents.membership", "pool.vip_holder"]
        assert all(title in " ".join(plan_text(plan).split()) for title in blind.values())
        run = await service.start(spec, plan, secrets, accepted=accept)
        assert [event async for event in service.follow(run)]
        view = service.show(run)
        assert view.outcome is Outcome.CREATED, view.message
        unseen = {item.id: item.title for item in view.verification if item.holds is None}
        assert unseen == blind, "what the plan named, and nothing else, stays unseen"
        passed, total = sum(item.holds is True for item in view.verification), len(view.verification)
        assert view.message == (
            f"Created. {passed} of {total} verifications passed, {len(unseen)} could not be checked."
        )
        assert "accepted with the plan" in " ".join(run_text(view).split())
        assert service.unverified_run(spec) == ""


@pytest.mark.asyncio
async def test_with_ssh_every_setting_is_read_back(tmp_path: Path) -> None:
    async with Lab.from_scenario("healthy-nfs", servers=3, speed=SPEED) as lab:
        service, secrets = Service(tmp_path / "state"), Secrets(lab.passwords)
        data = lab.spec_data()
        data["pool"] |= {
            "keymap": "de-ch",
            "start_policy": "BEST_SERVER",
            "secure_migration": True,
            "description": "the pool of accounts",
            "policy": {"mode": "DRS", "cpu_threshold_pct": 60, "period_min": 8},
        }
        spec = service.parse(data)
        look, accept = await checked(service, spec, secrets)
        plan = service.plan(spec, look)
        assert [item.id for item in plan.unobservable] == ["agents.membership"]
        run = await service.start(spec, plan, secrets, accepted=accept)
        assert [event async for event in service.follow(run)]
        view = service.show(run)
        assert view.outcome is Outcome.CREATED, view.message
        seen = {item.id: (item.holds, item.detail) for item in view.verification}
        assert {
            id_: seen[f"pool.{id_}"] for id_ in ("keymap", "start_policy", "secure_migration", "policy")
        } == {
            "keymap": (True, "de-ch"),
            "start_policy": (True, "BEST_SERVER"),
            "secure_migration": (True, "on"),
            "policy": (True, "DRS on 3 servers"),
        }
        assert seen["pool.description"][0] is True


@pytest.mark.asyncio
async def test_what_became_unseen_during_the_run_is_settled_by_a_later_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with Lab.from_scenario("unclustered", servers=3, speed=SPEED) as lab:
        service, secrets = Impatient(tmp_path / "state"), Secrets(lab.passwords)
        lab.write_ready(tmp_path / "ready.json")
        spec_file = tmp_path / "ready.json.spec.yaml"
        spec = service.load(spec_file)
        lab.world.faults["ssh-no-exec"] = {}
        look, accept = await checked(service, spec, secrets)
        plan = service.plan(spec, look)
        assert "pool.vip_holder" in {item.id for item in plan.unobservable}, (
            "a dead login is known before the run"
        )
        plan = plan.model_copy(update={"unobservable": ()})  # as if the login had died only now
        run = await service.start(spec, plan, secrets, accepted=accept)
        assert [event async for event in service.follow(run)]
        view = service.show(run)
        assert view.outcome is Outcome.CREATED_UNVERIFIED, view.message
        assert view.message.startswith("Created, not verified: ")
        assert service.unverified_run(spec) == run
        assert len(lab.world.of_type("serverpool")) == 1

        words = common_words(lab, tmp_path)
        code = await asyncio.to_thread(main, ["check", str(spec_file), *words])
        assert code == ExitCode.NEEDS_ATTENTION, "still nobody can look"
        assert "Created, not verified" in capsys.readouterr().out
        del lab.world.faults["ssh-no-exec"]
        code = await asyncio.to_thread(main, ["check", str(spec_file), "--json", *words])
        assert code == ExitCode.DONE
        document = json.loads(capsys.readouterr().out)
        assert document["summary"]["may_apply"] is None
        assert (document["run"]["run"], document["run"]["outcome"]) == (run, "created")
        assert main(["show", run, "--json", "--state-dir", str(tmp_path / "state")]) == ExitCode.DONE
        shown = json.loads(capsys.readouterr().out)
        assert shown["outcome"] == "created"
        assert shown["message"].startswith("Created. ")
        assert service.unverified_run(spec) == ""
