"""`plan --output` and `apply --plan` on the command line: exactly the reviewed plan, or none."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pexpect
import pytest

from core.cli.main import main
from core.lab.fleet import Lab
from core.models.plan import Plan
from core.runner.plan_file import plan_document
from core.secrets import Secrets
from core.service import Service
from tests.unit.runner.test_review import NFS_SPEC, evil_plan
from tests.whole.job import SPEED

NOBODY = 65534
ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.timeout(1200)  # runners in processes of their own, on a machine that may be busy


@asynccontextmanager
async def planned(folder: Path) -> AsyncIterator[tuple[Lab, list[str], Path]]:
    """A lab, the words every command needs, and a plan written for review."""
    async with Lab.from_scenario("healthy-nfs", servers=2, speed=SPEED) as lab:
        service = Service(folder / "state")
        lab.write_ready(folder / "ready.json")
        spec = folder / "ready.json.spec.yaml"
        service.trust(await service.identities(service.load(spec), Secrets(lab.passwords)))
        secrets = folder / "secrets"
        secrets.write_text("".join(f"{name}: {value}\n" for name, value in lab.passwords.items()))
        secrets.chmod(0o600)
        words = ["--state-dir", str(folder / "state"), "--password-file", str(secrets), "--json"]
        plan = folder / "plan.json"
        assert await asyncio.to_thread(main, ["plan", str(spec), *words, "--output", str(plan)]) == 0
        for secret in lab.passwords.values():
            assert secret not in plan.read_text()
        yield lab, words, plan


@pytest.mark.asyncio
async def test_a_reviewed_plan_is_run_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with planned(tmp_path) as (lab, words, plan):
        digest = json.loads(plan.read_text())["hash"]
        capsys.readouterr()
        assert await asyncio.to_thread(main, ["apply", "--plan", str(plan), "--yes", *words]) == 0
        said = capsys.readouterr()
        assert json.loads(said.out)["outcome"] == "created"
        assert digest in said.err
        assert lab.world.of_type("serverpool")


@pytest.mark.asyncio
async def test_a_plan_that_no_longer_fits_is_refused_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with planned(tmp_path) as (lab, words, plan):
        lab.world.nas["nas01.lab.example"].exports[0].files.append("somebody-elses-file")
        before = lab.snapshot()
        assert await asyncio.to_thread(main, ["apply", "--plan", str(plan), "--yes", *words]) == 1
        assert "content of nas01.lab.example:/export/poolfs: was empty, is somebody" in " ".join(
            capsys.readouterr().err.split()
        )
        assert lab.snapshot() == before


@pytest.mark.asyncio
async def test_an_edited_and_rehashed_plan_is_refused_by_step_and_difference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Args and labels fit each other, and every hash fits them: an approver would see what Manager would get."""
    async with planned(tmp_path) as (lab, words, path):
        document = json.loads(path.read_text())
        step = next(one for one in document["plan"]["steps"] if one["kind"] == "create_pool")
        step["args"]["pool"]["secure_migration"] = True
        step["commands"] = [
            each.replace("migrateUsingSsl=No", "migrateUsingSsl=Yes") for each in step["commands"]
        ]
        path.write_text(
            json.dumps(plan_document(Plan.model_validate(document["plan"]), document["spec"], []))
        )
        before = lab.snapshot()
        assert await asyncio.to_thread(main, ["apply", "--plan", str(path), "--yes", *words]) == 2
        said = " ".join(capsys.readouterr().err.split())
        assert "step create_pool:pool: args.pool.secure_migration is true, planned now it is false" in said
        assert lab.snapshot() == before


def test_the_screen_of_an_approver_gets_no_byte_that_acts(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(plan_document(evil_plan(), NFS_SPEC.model_dump(mode="json"), [])))
    command = [sys.executable, "-m", "core.cli.main", "approve", str(path), "--approvals", str(tmp_path)]
    with pexpect.spawn(command[0], command[1:], cwd=str(ROOT), timeout=120, dimensions=(50, 200)) as terminal:
        terminal.expect(rb"to approve this plan:")
        shown = terminal.before
        terminal.sendline("no")
        terminal.expect(pexpect.EOF)
        shown += terminal.before
    text = shown.decode()
    assert r"\x1b[2J" in text
    assert "run : discoverServer ipAddress=203.0.113.11" in text  # made of the args
    assert not {char for char in text.replace("\r\n", "\n") if char != "\n" and not char.isprintable()}


@pytest.mark.asyncio
async def test_two_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "approvals"
    folder.mkdir()
    async with planned(tmp_path) as (lab, words, plan):
        before = lab.snapshot()
        alone = ["apply", "--plan", str(plan), "--approvals", str(folder), *words]
        assert await asyncio.to_thread(main, alone) == 1
        assert "nobody else approved it" in capsys.readouterr().err
        assert main(["approve", str(plan), "--approvals", str(folder), "--yes"]) == 0
        assert await asyncio.to_thread(main, alone) == 1
        assert "a second user is needed" in " ".join(capsys.readouterr().err.split())
        assert lab.snapshot() == before
        if os.geteuid() != 0:
            return  # only root can make a file look like somebody else's
        (approval,) = folder.iterdir()
        os.chown(approval, NOBODY, -1)
        assert await asyncio.to_thread(main, alone) == 0
        assert f"(uid {NOBODY}" in capsys.readouterr().err
