"""Compatibility of servers looked at now: SPEC against the lab, facts that were kept, moves in a pool that exists."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from core.lab.fleet import Lab
from tests.whole.job import SPEED, whole_job


@dataclass(slots=True)
class Shell:
    """The command line beside a lab, in a process of its own, with the lab's passwords in a file."""

    lab: Lab
    folder: Path

    def __post_init__(self) -> None:
        self.lab.write_ready(self.folder / "ready.json")
        self.passwords.write_text("".join(f"{key}: {value}\n" for key, value in self.lab.passwords.items()))
        self.passwords.chmod(0o600)

    @property
    def passwords(self) -> Path:
        return self.folder / "passwords"

    @property
    def spec(self) -> str:
        return str(self.folder / "ready.json.spec.yaml")

    async def __call__(self, *words: str) -> tuple[int, str, str]:
        """Exit code, standard output and standard error."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "core.cli.main", *words,
            "--password-file", str(self.passwords), "--state-dir", str(self.folder / "state"),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONWARNINGS": "default"},
        )  # fmt: skip
        out, err = await asyncio.wait_for(process.communicate(), 480)
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    async def data(self, *words: str) -> Any:
        """The JSON document of a command that ends well."""
        code, out, err = await self(*words)
        assert code == 0, err
        return json.loads(out)


@pytest.mark.asyncio
async def test_servers_of_a_spec_are_compared_as_they_are_now(tmp_path: Path) -> None:
    async with Lab.from_scenario("mixed-cpu", servers=3, speed=SPEED) as lab:
        shell = Shell(lab, tmp_path)
        live = await shell.data("compat", shell.spec, "--json", "--expand")
        facts = tmp_path / "facts.json"
        code, out, err = await shell("check", shell.spec, "--json", "--facts-file", str(facts))
        assert code == 0, err
        assert json.loads(out)["schema"] == "poolwright.check/1"
        kept = await _kept(facts)
    names = [server["name"] for server in live["servers"]]
    assert names == [server["name"] for server in kept["servers"]]
    assert [group["servers"] for group in live["groups"]] == [group["servers"] for group in kept["groups"]]
    assert len(live["groups"]) == 2
    refused = {(cell["from"], cell["to"]) for cell in live["cells"] if cell["verdict"] == "refused"}
    models = {
        server["name"]: (server["vendor"], server["family"], server["model"]) for server in live["servers"]
    }
    assert refused == {(a, b) for a in names for b in names if models[a] != models[b]}
    assert stat.S_IMODE(facts.stat().st_mode) == 0o600
    text = facts.read_text()
    assert not [secret for secret in lab.passwords.values() if secret in text]


async def _kept(facts: Path) -> Any:
    """The same report from the facts that `check` kept, without any server."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "core.cli.main", "compat", "--facts", str(facts), "--json", "--expand",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await asyncio.wait_for(process.communicate(), 480)
    assert process.returncode == 0
    return json.loads(out)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "scenario", ["mixed-cpu", "healthy-3.2"], ids=["groups of Manager", "3.2: groups of servers"]
)
async def test_moves_in_a_pool_that_exists(scenario: str, tmp_path: Path) -> None:
    async with Lab.from_scenario(scenario, servers=3, speed=SPEED) as lab:
        job = await whole_job(lab, tmp_path)
        assert job.outcome == "created"
        shell = Shell(lab, tmp_path)
        report = await shell.data("compat", shell.spec, "--json")
        assert report["group_mismatches"] == []
        assert all(server["group_read_back"] for server in report["servers"])
        models = {server["name"]: server["model"] for server in report["servers"]}
        first, *others = list(models)
        for other in others:
            code, out, _ = await shell("migrate-check", "pool1", "--from", first, "--to", other, "--json")
            answer = json.loads(out)
            is_same = models[first] == models[other]
            assert (answer["refused"], code) == ((False, 0) if is_same else (True, 1))
            assert is_same or {row["id"] for row in answer["rows"]} & {"C03", "C04", "C05"}
        code, _, _ = await shell("migrate-check", "pool1", "--from", "ovs01", "--to", first)
        assert code == 0
        code, _, err = await shell("migrate-check", "pool1", "--from", "nobody", "--to", first)
        assert code == 2
        assert "nobody" in err
