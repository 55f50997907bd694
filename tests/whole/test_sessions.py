"""The operator's session ends in every ugly way while a run goes on: it ends as if nobody had ever looked."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pexpect
import pytest

from core.engine.history import JournalReader
from core.errors import RunnerError
from core.lab.fleet import Lab
from core.models.events import EventKind, StepState
from core.paths import StatePaths, write_private
from core.runner import client
from tests.transports.sshd import Sshd, has_ssh_client, missing, running_sshd

SPEED = 15.0  # a run of three servers takes some eight seconds: long enough to lose a session in
POOLWRIGHT = f"{sys.executable} -m tui"
ROOT = Path(__file__).parents[2]
WAIT_S = 360.0


@dataclass(frozen=True)
class Place:
    """A fleet, a state folder, and what an operator types there."""

    lab: Lab
    folder: Path

    @property
    def state(self) -> Path:
        return self.folder / "poolwright"  # what XDG_STATE_HOME=folder leads to

    def line(self, command: str, *words: str) -> str:
        """One poolwright command as a shell takes it."""
        env = f"cd {ROOT} && env HOME={self.folder} PATH={os.environ['PATH']}"
        return " ".join([env, POOLWRIGHT, command, *words, "--state-dir", str(self.state)])

    @property
    def apply(self) -> str:
        spec = self.folder / "ready.json.spec.yaml"
        return self.line("apply", str(spec), "--password-file", str(self.folder / "passwords"), "--yes")

    def run_id(self, *, steps_done: int = 0) -> str:
        """The only run there is, once so many of its steps are done."""
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            runs = client.list_runs(self.state) if self.state.exists() else []
            if runs and runs[0].last_seq > 0:
                view = client.show_run(self.state, runs[0].run)
                if sum(step.state is StepState.DONE for step in view.steps) >= steps_done:
                    return view.run
            time.sleep(0.05)  # another process: there is no event to wait for
        raise TimeoutError(f"no run with {steps_done} steps done")


@asynccontextmanager
async def place(folder: Path, speed: float = SPEED) -> AsyncIterator[Place]:
    async with Lab.from_scenario("healthy-nfs", servers=3, speed=speed) as lab:
        lab.write_ready(folder / "ready.json")
        passwords = "".join(f"{name}: {value}\n" for name, value in lab.passwords.items())
        write_private(folder / "passwords", passwords)
        yield Place(lab, folder)


def told(command: str) -> tuple[int, str]:
    """Run a line in a shell of its own, as the next session does."""
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=WAIT_S, check=False)
    return done.returncode, done.stdout + done.stderr


def begun(terminal: pexpect.spawn[str]) -> str:
    """The run's id, read off the screen."""
    terminal.expect(r"run (\d{6}-\d{6}-\w+) has begun")
    assert isinstance(terminal.match, re.Match)
    return str(terminal.match.group(1))


def nothing_is_lost(here: Place, run: str) -> None:
    """Ended with the pool, every event is there once, and only one process ever worked on it."""
    view = client.show_run(here.state, run)
    assert view.outcome == "created", view
    reader = JournalReader(StatePaths(here.state), run)
    events = reader.events(0, 10_000)
    reader.close()
    assert [event.seq for event in events] == list(range(1, view.last_seq + 1))
    starts = [event for event in events if event.kind is EventKind.RUN_STATE and event.state == "running"]
    assert len(starts) == 1
    assert all(server.pool for server in here.lab.world.servers.values())


@pytest.mark.slow
@pytest.mark.asyncio
async def test_a_terminal_that_is_closed_loses_nothing(tmp_path: Path) -> None:
    def operator() -> None:
        terminal = pexpect.spawn("sh", ["-c", here.apply], encoding="utf-8", timeout=WAIT_S)
        run = begun(terminal)
        terminal.close(force=True)  # hangs up: SIGHUP to all of its session
        _again(run, told)

    def _again(run: str, ask: Callable[[str], tuple[int, str]]) -> None:
        status, said = ask(here.line("runs"))
        assert status == 0
        assert re.search(rf"{run}.*live", said), said
        status, said = ask(here.line("attach", run))
        assert status == 0, said
        assert "created" in said
        nothing_is_lost(here, run)

    async with place(tmp_path) as here:
        await asyncio.to_thread(operator)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")
@pytest.mark.asyncio
async def test_a_tmux_server_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    def operator() -> None:
        tmux = ["tmux", "-L", f"poolwright-{os.getpid()}", "-f", "/dev/null"]
        subprocess.run(
            [*tmux, "new-session", "-d", "-x", "80", "-y", "24", "-s", "one", here.apply], check=True
        )
        try:
            run = here.run_id()
            shown = subprocess.run(
                [*tmux, "display-message", "-p", "#{pid}"], capture_output=True, check=True
            )
            os.kill(int(shown.stdout), signal.SIGKILL)
        except BaseException:
            subprocess.run([*tmux, "kill-server"], check=False)
            raise
        status, said = told(here.line("attach", run))
        assert status == 0, said
        nothing_is_lost(here, run)

    async with place(tmp_path) as here:
        await asyncio.to_thread(operator)


def ssh_words(server: Sshd, folder: Path, command: str) -> list[str]:
    known = folder / "known"
    known.write_text(f"[127.0.0.1]:{server.port} {server.host_key.export_public_key().decode()}")
    options = [
        "-F",
        "none",
        "-o",
        f"UserKnownHostsFile={known}",
        "-o",
        "BatchMode=yes",
        "-i",
        str(server.user_key),
    ]
    return ["ssh", "-tt", *options, "-p", str(server.port), "root@127.0.0.1", command]


@pytest.mark.real
@pytest.mark.skipif(bool(missing()) or not has_ssh_client(), reason=missing() or "needs OpenSSH's client")
@pytest.mark.asyncio
async def test_an_ssh_connection_that_is_cut_loses_nothing(tmp_path: Path) -> None:
    def operator(server: Sshd) -> None:
        server.user_key.chmod(0o600)
        first = ssh_words(server, tmp_path, here.apply)
        terminal = pexpect.spawn(first[0], first[1:], encoding="utf-8", timeout=WAIT_S)
        run = begun(terminal)
        terminal.kill(signal.SIGKILL)  # no goodbye: the line is dead
        terminal.close(force=True)
        _, said = _over(server, here.line("runs"))
        assert re.search(rf"{run}.*live", said), said
        status, said = _over(server, here.line("attach", run))
        assert status == 0, said
        assert "created" in said
        nothing_is_lost(here, run)

    def _over(server: Sshd, command: str) -> tuple[int, str]:
        argv = ssh_words(server, tmp_path, command)
        again = pexpect.spawn(argv[0], argv[1:], encoding="utf-8", timeout=WAIT_S)
        said = again.read()
        again.close()
        return -1 if again.exitstatus is None else again.exitstatus, str(said)

    async with place(tmp_path) as here, running_sshd(tmp_path / "server") as server:
        await asyncio.to_thread(operator, server)


@pytest.mark.slow
@pytest.mark.asyncio
async def test_two_watch_and_one_controls(tmp_path: Path) -> None:
    """Whoever started the run controls it; another must take over, and that is written down."""

    async def watch(run: str) -> list[int]:
        return [event.seq async for event in client.follow(here.state, run)]

    async with place(tmp_path) as here:
        starter = await asyncio.create_subprocess_exec(
            "sh", "-c", f"exec {here.apply.split(' && ')[1]}", cwd=ROOT, stderr=asyncio.subprocess.PIPE
        )
        run = await asyncio.to_thread(here.run_id)
        first, second = asyncio.create_task(watch(run)), asyncio.create_task(watch(run))
        with pytest.raises(RunnerError, match="controls this run"):
            await client.control(here.state, run, "pause")
        assert "pause" in await client.control(here.state, run, "pause", take_over=True)
        assert await client.control(here.state, run, "continue") == "goes on"
        assert await first == await second
        await starter.communicate()
        nothing_is_lost(here, run)
        reader = JournalReader(StatePaths(here.state), run)
        told_of = [event.text for event in reader.events(0, 10_000) if event.kind is EventKind.CONTROL]
        reader.close()
        assert any("took over" in text for text in told_of)
