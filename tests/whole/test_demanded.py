"""Where the administrator demands a second user, no front end, option, variable or setting of a user does without."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.cli.main import main
from core.errors import ApprovalError, ExitCode
from core.lab.fleet import Lab
from core.secrets import Secrets
from core.service import Service
from core.system_settings import SystemSettingsError
from tests.whole.demanding_runner import command
from tests.whole.job import SPEED

NOBODY = 65534
pytestmark = pytest.mark.timeout(1200)
needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can make a file look like somebody else's"
)


@dataclass(frozen=True)
class Desk:
    """A lab, its spec, and the words that every command needs."""

    lab: Lab
    folder: Path
    spec: Path
    words: Sequence[str]

    @property
    def approvals(self) -> Path:
        return self.folder / "approvals"

    @property
    def settings(self) -> Path:
        return self.folder / "etc" / "settings.toml"

    async def run(self, *words: str) -> int:
        return await asyncio.to_thread(main, [*words, *self.words])

    def approve(self, plan: Path) -> None:
        """As another user does."""
        assert main(["approve", str(plan), "--approvals", str(self.approvals), "--yes"]) == ExitCode.DONE
        for path in self.approvals.iterdir():
            os.chown(path, NOBODY, -1)


@asynccontextmanager
async def desk(scenario: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    async with Lab.from_scenario(scenario, servers=2 if "sweep" not in scenario else 3, speed=SPEED) as lab:
        lab.write_ready(folder / "ready.json")
        spec = folder / "ready.json.spec.yaml"
        service = Service(folder / "state")
        service.trust(await service.identities(service.load(spec), Secrets(lab.passwords)))
        secrets = folder / "secrets"
        secrets.write_text("".join(f"{name}: {value}\n" for name, value in lab.passwords.items()))
        secrets.chmod(0o600)
        words = ["--state-dir", str(folder / "state"), "--password-file", str(secrets), "--json"]
        made = Desk(lab, folder, spec, words)
        made.approvals.mkdir()
        made.settings.parent.mkdir(mode=0o755)
        made.settings.write_text(f"approvals = {json.dumps(str(made.approvals))}\n")
        made.settings.chmod(0o644)
        monkeypatch.setattr("core.runner.launch.default_command", lambda: command(made.settings))
        yield made


@pytest.mark.asyncio
async def test_no_front_end_starts_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "config" / "poolwright"
    own.mkdir(parents=True)
    (own / "settings.toml").write_text("")  # what a user sets has no say
    monkeypatch.setenv("XDG_CONFIG_HOME", str(own.parent))
    monkeypatch.setenv("POOLWRIGHT_APPROVALS", "")
    async with desk("healthy-nfs", tmp_path, monkeypatch) as at:
        before = at.lab.snapshot()
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        for more in ([], ["--approvals", str(elsewhere)]):
            assert await at.run("apply", str(at.spec), "--yes", *more) == ExitCode.REFUSED
            said = " ".join(capsys.readouterr().err.split())
            assert f"nobody else approved it in {at.approvals}" in said
        service, secrets = Service(tmp_path / "state"), Secrets(at.lab.passwords)
        spec = service.load(at.spec)
        plan = service.plan(spec, await service.check(spec, secrets))
        with pytest.raises(ApprovalError):  # the way of the wizard and of plain mode
            await service.start(spec, plan, secrets)
        at.settings.parent.chmod(0o777)
        with pytest.raises(SystemSettingsError, match="others can write it"):
            await service.start(spec, plan, secrets)
        assert not service.runs()
        assert at.lab.snapshot() == before


@needs_root
@pytest.mark.asyncio
async def test_what_a_second_user_approved_is_made_and_rolled_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with desk("healthy-nfs", tmp_path, monkeypatch) as at:
        before, plan, back = at.lab.snapshot(), tmp_path / "plan.json", tmp_path / "back.json"
        assert await at.run("plan", str(at.spec), "--output", str(plan)) == ExitCode.DONE
        at.approve(plan)
        assert (
            await at.run("apply", str(at.spec), "--yes") == ExitCode.DONE
        )  # planned anew, it is the same plan
        (view,) = Service(tmp_path / "state").runs()
        again = ["rollback", view.run, "--yes", "--pool", "pool1"]
        capsys.readouterr()
        assert await at.run(*again) == ExitCode.REFUSED  # making it was approved, not taking it down
        assert f"poolwright rollback {view.run} --output PLAN" in " ".join(capsys.readouterr().err.split())
        assert at.lab.world.of_type("serverpool")
        assert await at.run("rollback", view.run, "--output", str(back)) == ExitCode.DONE
        shown = capsys.readouterr().out
        assert f"Rollback of run {view.run}, pool pool1" in shown
        assert "undo: delete ServerPool" in shown
        assert "run : " not in shown
        at.approve(back)
        assert await at.run(*again) == ExitCode.DONE
        assert at.lab.snapshot() == before
        assert await at.run("apply", "--plan", str(back), "--yes") == ExitCode.BAD_INPUT


@needs_root
@pytest.mark.asyncio
async def test_a_sweep_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk("sweep-half-made", tmp_path, monkeypatch) as at:
        service, secrets, plan = (
            Service(tmp_path / "state"),
            Secrets(at.lab.passwords),
            tmp_path / "plan.json",
        )
        spec = service.load(at.spec)
        made = service.sweep_plan(spec, await service.check(spec, secrets))
        if not made.steps:
            pytest.skip("nothing in this scenario is ended by a plan")
        sweep = ["sweep", str(at.spec), "--yes", made.pool]
        before = at.lab.snapshot()
        assert await at.run(*sweep) == ExitCode.REFUSED
        assert at.lab.snapshot() == before
        assert await at.run(*sweep[:2], "--output", str(plan)) == ExitCode.DONE
        at.approve(plan)
        assert await at.run(*sweep) == ExitCode.DONE
        assert at.lab.snapshot() != before
