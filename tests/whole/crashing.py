"""Kill a runner with SIGKILL at a chosen point, then let another one go on or take back, against a lab on real sockets.

The lab is a process of its own whose world is made anew for every point behind the same ports and keys, so that one
spec and one plan serve all points. A runner is a forked process that dies by its own hand at its point.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import shutil
import signal
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

from typing_extensions import override

from core.checks.judge import judge
from core.checks.runner import run_checks
from core.engine.history import read_run, run_ids
from core.engine.journal import Journal
from core.engine.reading import EngineLimits
from core.lab import build
from core.lab.dom0.vfs import Vfs
from core.lab.fleet import Lab
from core.lab.manager.adopt import settle
from core.lab.manager.engine import Engine
from core.lab.operations import world_fingerprint
from core.models.events import Outcome, RunEvent
from core.paths import StatePaths
from core.platforms.base import Platform
from core.platforms.guards import NoGuards
from core.platforms.oracle_vm.manager_cli.command import Command
from core.platforms.oracle_vm.manager_cli.session import ManagerSession
from core.platforms.oracle_vm.platform import PLATFORM, OracleVm
from core.runner import process
from core.runner.protocol import Order, RunDocument, Task
from core.secrets import Secrets
from core.transports.base import Access
from core.transports.limits import Limits
from core.transports.trust import TrustStore

SCENARIO, SERVERS = "healthy-nfs", 4
# an idle limit of 30 minutes is then most of a second: a busy machine must not pass for a busy Manager
SPEED = 2000.0
LIMITS: dict[str, float] = {"manager_poll_s": 0.02, "manager_settle_s": 5.0, "manager_command_s": 60.0}
ENGINE = EngineLimits(retry_delay_s=0.05)
LATE_S = 240.0  # for jobs of Manager that a dead runner began
RUN_S = 100.0  # no part takes longer
TRIES = 4  # runs differ a little: who watches a job tells more or less of it


# -- the lab's process ---------------------------------------------------------------------------------------------


async def _serve_lab(pipe: Connection) -> None:
    loop = asyncio.get_running_loop()
    async with Lab.from_scenario(SCENARIO, servers=SERVERS, speed=SPEED) as lab:
        passwords = lab.passwords
        world = lab.world
        pipe.send((lab.spec_data(), passwords))
        while True:
            asked = await loop.run_in_executor(None, _received, pipe)
            if asked == "new":
                world = await _renew(lab, passwords)
                pipe.send(world_fingerprint(world))
            elif asked == "idle":
                await _idle(lab)
                pipe.send(world_fingerprint(world))
            elif isinstance(asked, tuple):
                world.faults[asked[0]] = asked[1]
                pipe.send(None)
            else:
                return


def _received(pipe: Connection) -> Any:
    try:
        return pipe.recv()
    except EOFError:
        return None


async def _renew(lab: Lab, passwords: dict[str, str]) -> Any:
    """A world as on the first day; whoever is still connected to the old one is cut off."""
    await lab.manager.engine.close()
    for connection in list(lab.manager._connections):
        connection.abort()
    world = build.build_world(lab.scenario, servers=SERVERS, seed=1)
    world.speed, world.manager_password = SPEED, passwords["manager"]
    lab.world, lab.manager._engine = world, Engine(world)
    settle(world)
    for name, server in world.servers.items():
        server.password, server.ssh_password = passwords["agent"], passwords["ssh"]
        agent, dom0 = lab.agents[name], lab.dom0s[name]
        agent.world, agent.server, agent._restart_until = world, server, 0.0
        world.agent_restarts[name] = agent.restart
        dom0.world, dom0.server, dom0.vfs = world, server, Vfs(world, server)
    return world


async def _idle(lab: Lab) -> None:
    async with asyncio.timeout(LATE_S):
        while lab.manager.engine.tasks:
            await asyncio.wait(list(lab.manager.engine.tasks))


def _lab_main(pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    fast = {"encryption_algs": ["aes128-gcm@openssh.com"]}  # the usual one is computed in Python
    with ExitStack() as stack:
        for room in ("core.lab.manager.server", "core.lab.keys"):
            stack.enter_context(patch(f"{room}.ssh_algorithms", lambda **_: fast))
        asyncio.run(_serve_lab(pipe))


@dataclass
class LabProcess:
    """The lab as its users see it."""

    pipe: Connection
    spec: dict[str, Any]
    secrets: Secrets

    def ask(self, what: object) -> Any:
        """One order and its answer."""
        self.pipe.send(what)
        if not self.pipe.poll(LATE_S + 5):
            raise TimeoutError("the lab does not answer")
        return self.pipe.recv()


@contextmanager
def lab_process() -> Iterator[LabProcess]:
    """A lab in a process of its own, ended on leaving."""
    ours, theirs = multiprocessing.Pipe()
    worker = multiprocessing.get_context("fork").Process(target=_lab_main, args=(theirs,), daemon=True)
    worker.start()
    theirs.close()
    try:
        spec, passwords = ours.recv()
        yield LabProcess(ours, spec, Secrets(passwords))
    finally:
        ours.send(None)
        worker.join(10)
        worker.kill()
        ours.close()


# -- points --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Point:
    """The n-th time that something is about to happen or has just happened; guarded or not (see Stand)."""

    what: str
    nth: int
    is_guarded: bool

    @property
    def is_narration(self) -> bool:
        """A journal write that tells of a command or its reply, and of nothing else."""
        return " journal: command" in self.what and "," not in self.what

    @override
    def __str__(self) -> str:
        return f"{self.what} ({self.nth}{', guarded' if self.is_guarded else ''})"


class Hook:
    """Counts points in this process and acts at the wanted one."""

    def __init__(self, wanted: Point | None, act: Callable[[], None]) -> None:
        self.wanted, self.act = wanted, act
        self.passed: Counter[str] = Counter()

    def point(self, what: str) -> None:
        """Here."""
        self.passed[what] += 1
        wanted = self.wanted
        if wanted is not None and (wanted.what, wanted.nth) == (what, self.passed[what]):
            self.act()


def die() -> None:
    """As the kernel does it."""
    os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def hooked(hook: Hook) -> Iterator[None]:
    """Points around every commit of the journal, and around every change that is sent to Manager."""
    commit, converse = Journal._commit, ManagerSession._converse

    def dying_commit(journal: Journal, events: list[RunEvent]) -> None:
        said = ", ".join(f"{one.kind} {one.step} {one.state}".strip() for one in events)
        hook.point(f"before journal: {said}")
        commit(journal, events)
        hook.point(f"after journal: {said}")

    async def dying_converse(session: ManagerSession, shell: Any, command: Command, *rest: Any) -> Any:
        if not command.is_write:
            return await converse(session, shell, command, *rest)
        said = str(command).split(" ")[0:2]
        hook.point(f"before sending {' '.join(said)}")
        reply = await converse(session, _Told(shell, hook, " ".join(said)), command, *rest)
        hook.point(f"after the reply to {' '.join(said)}")
        return reply

    with ExitStack() as stack:
        stack.enter_context(patch.object(Journal, "_commit", dying_commit))
        stack.enter_context(patch.object(ManagerSession, "_converse", dying_converse))
        yield


class _Told:
    """A shell that has a point right after a line has gone out."""

    def __init__(self, shell: Any, hook: Hook, said: str) -> None:
        self._shell, self._hook, self._said = shell, hook, said

    async def read(self, limit_s: float) -> str:
        return cast(str, await self._shell.read(limit_s))

    async def write(self, text: str) -> None:
        await self._shell.write(text)
        await asyncio.sleep(0)  # the transport has handed it to the kernel
        self._hook.point(f"after sending {self._said}")


# -- runners -------------------------------------------------------------------------------------------------------


class _Unguarded(NoGuards, OracleVm):
    """Oracle VM without its looks before and after a run, which cost ten times as much as the run."""


@dataclass(frozen=True)
class Stand:
    """What is the same for every point: the lab, the spec and the plan."""

    lab: LabProcess
    document: RunDocument

    def platform(self, *, is_guarded: bool) -> Platform:
        """Oracle VM, or the same without its looks before and after a run: these cost more than the run."""
        return PLATFORM if is_guarded else _Unguarded()

    def order(self, task: Task, state: Path, run: str = "") -> Order:
        """An order for a runner."""
        document = self.document if task is Task.START else None
        return Order(task=task, state_dir=str(state), run=run, document=document)


def make_stand(lab: LabProcess) -> Stand:
    """Look, judge and plan once."""
    spec = PLATFORM.spec_model.model_validate(lab.spec)

    async def plan() -> RunDocument:
        access = Access(TrustStore(None), lab.secrets, replace(Limits(), **LIMITS))  # type: ignore[arg-type]
        fleet = await PLATFORM.collect(spec, access)
        results = await run_checks(PLATFORM.checks, PLATFORM.context(spec, fleet, datetime.now(UTC)))
        refused, unknown = judge(PLATFORM.checks, results, ())
        assert not refused, refused
        accepted = tuple(result.id for result in unknown)
        made = PLATFORM.plan(spec, fleet, results)
        return RunDocument.of(spec, made, accepted=accepted, limits=dict(LIMITS))

    return Stand(lab, asyncio.run(plan()))


def runner(
    stand: Stand, order: Order, wanted: Point | None = None, *, is_guarded: bool = True
) -> tuple[int, dict[str, int]]:
    """Be a runner in a forked process: its wait status, and how often it passed which points."""
    platform = stand.platform(is_guarded=is_guarded)
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        os.close(told)
        try:
            signal.alarm(int(RUN_S))
            hook = Hook(wanted, die)
            with hooked(hook):
                work = process.run(
                    order, stand.lab.secrets, lambda _: platform, lambda *_: None, engine=ENGINE
                )
                asyncio.run(work)
            with os.fdopen(tell, "w") as pipe:
                json.dump(hook.passed, pipe)
            status = 0
        except BaseException:  # noqa: BLE001 - told here, seen by the status
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(tell)
    with os.fdopen(told) as pipe:
        text = pipe.read()
    return os.waitpid(child, 0)[1], json.loads(text) if text else {}


def all_points(stand: Stand, *, is_guarded: bool) -> list[Point]:
    """Every point of a run that is not disturbed, in no order; what varies from run to run counts as rarely as seen."""
    seen = [_points_of_one(stand, is_guarded=is_guarded) for _ in range(2)]
    counts = Counter(seen[0]) & Counter(seen[1])
    return [Point(what, nth, is_guarded) for what, count in counts.items() for nth in range(1, count + 1)]


def _points_of_one(stand: Stand, *, is_guarded: bool) -> dict[str, int]:
    stand.lab.ask("new")
    with _folder() as state:
        status, passed = runner(stand, stand.order(Task.START, state), is_guarded=is_guarded)
        outcome = read_run(StatePaths(state), run_ids(StatePaths(state))[0])[1].outcome
    if status != 0 or outcome is not Outcome.CREATED:
        raise RuntimeError(f"the run to count by ended {outcome}, status {status}")
    return passed


def chosen_points(stand: Stand) -> list[Point]:
    """All points: those of the looks around a run with these, the narration of each command without."""
    guarded = [point for point in all_points(stand, is_guarded=True) if not point.is_narration]
    return guarded + [point for point in all_points(stand, is_guarded=False) if point.is_narration]


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="crash-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    try:
        yield folder / "state"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def try_point(stand: Stand, point: Point, task: Task) -> str:
    """Die there, then resume or roll back; '' when the end is the promised one, else what is wrong."""
    for _ in range(TRIES):
        wrong = _try_once(stand, point, task)
        if wrong is not None:
            return wrong
    return "never reached"


def _try_once(stand: Stand, point: Point, task: Task) -> str | None:
    """None when this run did not pass the point."""
    before = stand.lab.ask("new")
    with _folder() as state:
        status, _ = runner(stand, stand.order(Task.START, state), point, is_guarded=point.is_guarded)
        if status == 0:
            return None
        if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
            return f"the first runner ended with status {status}"
        paths = StatePaths(state)
        runs = run_ids(paths)
        if read_run(paths, runs[0])[1].outcome is None or task is Task.ROLLBACK:
            status, _ = runner(stand, stand.order(task, state, runs[0]), is_guarded=point.is_guarded)
            if status != 0:
                return f"the second runner ended with status {status}"
        return _judged(stand, task, read_run(paths, runs[0])[1], before)


def _judged(stand: Stand, task: Task, now: Any, before: Any) -> str:
    after = stand.lab.ask("idle")
    if task is Task.ROLLBACK:
        if now.outcome is not Outcome.ROLLED_BACK:
            return f"{now.outcome}: {now.message} {list(now.residue)}"
        changed = [key for key in before if before[key] != after[key]]
        return f"rolled back, but {changed} differ" if changed else ""
    if now.outcome is not Outcome.CREATED:
        return f"{now.outcome}: {now.message} {list(now.residue)}"
    pools = [item for item in after["objects"] if item["type"] == "serverpool"]
    members = [one for one in after["servers"].values() if one["pool"] is not None]
    whole = len(pools) == 1 and len(members) == SERVERS and sum(one["is_master"] for one in members) == 1
    return (
        ""
        if whole and all(one["is_cluster_online"] for one in members)
        else "created, but the pool is not whole"
    )
