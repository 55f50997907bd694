"""What goes wrong in one seed: a list of faults with their times, drawn once and then carried out to the letter."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from typing_extensions import override

SCENARIOS = (
    *("healthy-nfs",) * 5, *("healthy-lun",) * 2, "unclustered", "already-owned", "healthy-3.2", "healthy-3.3",
    "healthy-3.4-no-vip", "create-fails", "join-fails", "create-fails-dirty", "join-fails-dirty",
)  # fmt: skip
GUARDED_EVERY = 10  # seeds; the looks around a run cost ten times as much as the run
SPAN_S = 180.0  # simulated seconds in which faults begin; a run of three servers takes about 120
WORK_VERBS = ("discover", "own", "create", "add", "refresh", "remove", "delete", "release", "edit")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong: `lab` faults by their name there, the others by ours, from `at_s` on."""

    kind: str
    at_s: float = 0.0
    args: Mapping[str, Any] = field(default_factory=dict)

    @override
    def __str__(self) -> str:
        said = " ".join(f"{key}={value}" for key, value in self.args.items())
        return f"{self.kind} at {self.at_s:g} s {said}".rstrip()


@dataclass(frozen=True, slots=True)
class Weather:
    """Everything one seed decides."""

    seed: int
    scenario: str
    servers: int
    faults: tuple[Fault, ...]
    is_guarded: bool = False  # with the looks before and after a run

    @override
    def __str__(self) -> str:
        guarded = " (guarded)" if self.is_guarded else ""
        return f"seed {self.seed}: {self.scenario}, {self.servers} servers{guarded}; " + "; ".join(
            str(fault) for fault in self.faults
        )


def weather_of(seed: int) -> Weather:
    """The weather of a seed; the same for ever."""
    rng = random.Random(seed)
    scenario = rng.choice(SCENARIOS)
    servers = 3 if scenario.startswith("join-fails") else rng.choice((2, 2, 3))
    names = [f"ovs{number:02d}" for number in range(1, servers + 1)]
    faults = [_draw(rng, names) for _ in range(rng.choice((0, 1, 1, 2, 2, 3, 4, 5)))]
    return Weather(seed, scenario, servers, tuple(faults), is_guarded=seed % GUARDED_EVERY == 0)


def _draw(rng: random.Random, names: list[str]) -> Fault:
    return rng.choice(_KINDS)(rng, names)


def _at(rng: random.Random) -> float:
    return round(rng.uniform(0.0, SPAN_S), 1)


def _cut(rng: random.Random, _names: list[str]) -> Fault:
    return Fault("cut", _at(rng))


def _half(rng: random.Random, _names: list[str]) -> Fault:
    return Fault("half", _at(rng), {"bytes": rng.randint(1, 900)})


def _slow_line(rng: random.Random, _names: list[str]) -> Fault:
    return Fault("slow-line", _at(rng), {"seconds": rng.choice((0.1, 1.0, 5.0))})


def _down(rng: random.Random, names: list[str]) -> Fault:
    plane = rng.choice(("manager", "manager", "ssh", "agent"))
    what = plane if plane == "manager" or rng.random() < 0.3 else f"{plane}:{rng.choice(names)}"
    return Fault("down", _at(rng), {"what": what, "for_s": rng.choice((5.0, 30.0, 120.0, 900.0))})


def _restart(rng: random.Random, names: list[str]) -> Fault:
    return Fault("agent-restart", _at(rng), {"server": rng.choice(names)})


def _agent_down(rng: random.Random, names: list[str]) -> Fault:
    begin = _at(rng)
    params = {
        "server": rng.choice(names),
        "after_s": begin,
        "for_s": rng.choice((10.0, 60.0, 600.0, 1e9)),
    }
    return Fault("lab:agent-down", begin, params)


def _agent_fault(rng: random.Random, names: list[str]) -> Fault:
    call = rng.choice(
        ("take_ownership", "create_server_pool", "join_server_pool", "configure_server_for_cluster",
         "create_cluster", "join_cluster", "leave_cluster", "leave_server_pool", "create_pool_filesystem",
         "storage_plugin_mount", "release_ownership", "destroy_server_pool")
    )  # fmt: skip
    args = {
        "server": rng.choice(names),
        "call": call,
        "text": "made to fail",
        "count": rng.choice((1, 1, 2, 99)),
    }
    return Fault("lab:agent-fault", 0.0, args)


def _command(rng: random.Random, _names: list[str]) -> Fault:
    name = rng.choice(
        ("disconnect-before", "disconnect-after", "disconnect-midway", "half-reply", "job-fails", "slow-command",
         "no-prompt", "hang-command")
    )  # fmt: skip
    args: dict[str, Any] = {
        "verb": rng.choice(WORK_VERBS),
        "after": rng.choice((0, 0, 1, 2)),
        "count": rng.choice((1, 1, 2, 3)),
    }
    if name == "slow-command":
        args["seconds"] = rng.choice((10.0, 60.0, 400.0))
    if name == "job-fails":
        args["reason"] = "made to fail"
    return Fault(f"lab:{name}", 0.0, args)


def _lock(rng: random.Random, names: list[str]) -> Fault:
    args: dict[str, Any] = {
        "seconds": rng.choice((5.0, 40.0, 300.0)),
        "after": rng.choice((0, 1, 3)),
        "count": rng.choice((3, 50)),
    }
    if rng.random() < 0.5:
        args["object"] = rng.choice(names)
    return Fault("lab:lock-conflict", 0.0, args)


def _settle(rng: random.Random, _names: list[str]) -> Fault:
    return Fault("lab:settle-late", 0.0, {"seconds": rng.choice((5.0, 20.0, 90.0))})


def _login(rng: random.Random, _names: list[str]) -> Fault:
    return Fault(
        "lab:login-slow", 0.0, {"seconds": rng.choice((5.0, 30.0, 55.0)), "after": rng.randint(0, 3)}
    )


def _idle(rng: random.Random, _names: list[str]) -> Fault:
    return Fault("lab:idle-timeout", 0.0, {"seconds": rng.choice((3.0, 8.0, 20.0))})


def _dom0(rng: random.Random, names: list[str]) -> Fault:
    name = rng.choice(("ssh-down", "ssh-drops", "ssh-slow", "ssh-half-reply", "ssh-garbage"))
    args: dict[str, Any] = {"server": rng.choice(names), "count": rng.choice((1, 5, 1000)), "seconds": 15.0}
    if name == "ssh-down":
        args = {"server": args["server"], "after_s": _at(rng), "for_s": rng.choice((20.0, 300.0))}
    return Fault(f"lab:{name}", 0.0, args)


def _agent_line(rng: random.Random, names: list[str]) -> Fault:
    name = rng.choice(("agent-drops", "agent-half-reply", "agent-slow", "agent-garbage", "agent-status"))
    return Fault(f"lab:{name}", 0.0, {"server": rng.choice(names), "count": rng.choice((1, 3, 1000))})


def _our_clock(rng: random.Random, _names: list[str]) -> Fault:
    return Fault("our-clock", _at(rng), {"seconds": rng.choice((-86400.0, -30.0, 300.0, 86400.0))})


def _manager_clock(rng: random.Random, _names: list[str]) -> Fault:
    return Fault("manager-clock", _at(rng), {"seconds": rng.choice((-3600.0, -5.0, 60.0, 3600.0))})


def _server_clock(rng: random.Random, names: list[str]) -> Fault:
    args = {"server": rng.choice(names), "after_s": _at(rng), "seconds": rng.choice((-400.0, 7200.0))}
    return Fault("lab:clock-jump", 0.0, args)


def _slow_disk(rng: random.Random, _names: list[str]) -> Fault:
    return Fault(
        "slow-disk", _at(rng), {"seconds": rng.choice((0.5, 5.0)), "for_s": rng.choice((20.0, 60.0))}
    )


def _full_disk(rng: random.Random, _names: list[str]) -> Fault:
    return Fault("full-disk", _at(rng), {"for_s": rng.choice((1.0, 90.0))})


def _kill(rng: random.Random, _names: list[str]) -> Fault:
    return Fault("kill", _at(rng))


def _kill_at_write(rng: random.Random, _names: list[str]) -> Fault:
    return Fault("kill-at-write", 0.0, {"write": rng.randint(1, 150), "is_after": rng.random() < 0.5})


_KINDS: tuple[Callable[[random.Random, list[str]], Fault], ...] = (
    _cut, _cut, _half, _half, _slow_line, _down, _down, _restart, _agent_down, _agent_fault, _agent_fault, _command,
    _command, _command, _command, _lock, _lock, _settle, _login, _idle, _dom0, _agent_line, _our_clock,
    _manager_clock, _server_clock, _slow_disk, _full_disk, _kill, _kill, _kill_at_write, _kill_at_write,
)  # fmt: skip


async def after(seconds: float, work: Callable[[], object]) -> None:
    """Do something at its time."""
    await asyncio.sleep(seconds)
    work()
