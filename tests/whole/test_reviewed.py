"""`plan --output` and `apply --plan` on the command line: exactly the reviewed plan, or none."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from core.cli.main import main
from core.lab.fleet import Lab
from core.secrets import Secrets
from core.service import Service
from tests.whole.job import SPEED

pytestmark = pytest.mark.timeout(300)  # runners in processes of their own, on a machine that may be busy


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
        os.chown(approval, 4711, -1)
        assert await asyncio.to_thread(main, alone) == 0
        assert "(uid 4711" in capsys.readouterr().err
