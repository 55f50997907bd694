"""A toy platform for the engine's tests: a world of files, steps whose every move is written to a trace.

One file in the world's folder is one effect. Faults are named per step: `do-fails`, `verify-no`, `foreign`, ...
"""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from typing_extensions import override

from core.engine.step import Look, Seen, Step, Undone, World
from core.errors import CommandFailed, CommandTimeout, ConnectFailed
from core.models.events import Residue, Verified
from core.models.plan import JsonDict, Plan, PlannedStep


async def nothing(point: str) -> None:
    """A point where nothing happens."""


@dataclass
class ToyWorld(World):
    """Effects as files below `root`; `faults` maps a step's name to what goes wrong with it."""

    root: Path
    faults: dict[str, str] = field(default_factory=dict)
    trace: list[str] = field(default_factory=list)
    at: Callable[[str], Awaitable[None]] = nothing  # called around each effect, to die there
    remembered: dict[str, JsonDict] = field(default_factory=dict)
    narrate: Callable[[str, str], None] | None = None

    @override
    def remember(self, step_id: str, record: JsonDict) -> None:
        self.remembered[step_id] = record

    @override
    async def settle(self, step_id: str) -> None:
        """What an earlier process sent arrives only now."""
        if self.says(step_id) == "arrives-while-settling":
            for part in (1, 2):
                if not self.path(f"{step_id}.{part}").exists():
                    self.write(f"{step_id}.{part}")

    def says(self, name: str) -> str:
        return self.faults.get(name, "")

    def path(self, name: str) -> Path:
        return self.root / name

    def effects(self) -> dict[str, str]:
        """What exists: name -> content. A doubled effect shows as a longer content."""
        return {path.name: path.read_text() for path in sorted(self.root.iterdir())}

    def write(self, name: str, owner: str = "us") -> None:
        """Appends, so that doing it twice is seen."""
        with self.path(name).open("a") as file:
            file.write(f"{owner};")
            file.flush()
            os.fsync(file.fileno())

    async def make(self, name: str) -> None:
        """One effect."""
        await self.at(f"before make {name}")
        self.write(name)
        await self.at(f"after make {name}")

    async def take(self, name: str) -> None:
        """The effect taken back."""
        await self.at(f"before take {name}")
        self.path(name).unlink(missing_ok=True)
        await self.at(f"after take {name}")


class ToyStep(Step[ToyWorld]):
    """Makes two files, so that it can be half done: `<id>.1` and `<id>.2`."""

    kind: ClassVar[str] = "toy"

    def names(self) -> tuple[str, str]:
        return f"{self.id}.1", f"{self.id}.2"

    @override
    async def look(self, world: ToyWorld) -> Look:
        first, second = (world.path(name).exists() for name in self.names())
        fault = world.says(self.id)
        if fault == "foreign" or (fault == "turns-foreign" and first):
            return Look(Seen.FOREIGN, "owned by another")
        if fault == "unreadable" or (fault == "away" and not (world.root.parent / "back").exists()):
            raise ConnectFailed(self.id, "toy", "cannot connect: no route")
        return Look(Seen.THERE if first and second else Seen.NOT_THERE, record={"looked": True})

    @override
    async def do(self, world: ToyWorld) -> JsonDict:
        world.trace.append(f"{self.id}:do")
        if world.narrate is not None:
            world.narrate(self.id, f"toy> make {self.id}")
        fault = world.says(self.id)
        if fault == "arrives-first":  # an earlier process's command, after our look: ours is refused
            for name in self.names():
                world.write(name)
            raise CommandFailed(self.id, "toy", "make", "is there already")
        if fault == "do-fails":
            raise CommandFailed(self.id, "toy", "make", "no")
        first, second = self.names()
        if not world.path(first).exists():
            await world.make(first)
        if fault == "half-fails":
            raise CommandFailed(self.id, "toy", "make", "no")
        if fault == "bug":
            raise ZeroDivisionError("a bug in a step")
        if not world.path(second).exists():
            await world.make(second)
        if fault == "reply-lost":
            raise CommandTimeout(self.id, "toy", "make", 1)
        return {"made": [first, second], "pool": {f"made {self.id}": True}}

    @override
    async def verify(self, world: ToyWorld, record: JsonDict) -> Look:
        if world.says(self.id) == "verify-no":
            return Look(Seen.NOT_THERE, "gone again")
        first, second = (world.path(name).exists() for name in self.names())
        return Look(Seen.THERE if first and second else Seen.NOT_THERE)

    @override
    async def undo(self, world: ToyWorld, record: JsonDict) -> Undone:
        world.trace.append(f"{self.id}:undo")
        fault = world.says(self.id)
        if fault == "undo-fails":
            raise CommandFailed(self.id, "toy", "take", "busy")
        if fault == "undo-uncertain":
            return Undone(certain=False, detail="cannot be read back")
        for name in reversed(self.names()):
            if world.path(name).exists():
                await world.take(name)
        if fault == "undo-leaves":
            left = Residue(id="dirt", what="a stain", where=self.id, commands=("wipe it",))
            return Undone(residue=(left,), detail="all but a stain")
        return Undone(detail="removed")


def toy_plan(text: str) -> Plan:
    """A plan from `a > b > c@lane`: each needs the one before it; `a | b` are independent."""
    steps: list[PlannedStep] = []
    for chain in text.split("|"):
        before: str | None = None
        for word in chain.split(">"):
            name, _, lane = word.strip().partition("@")
            needs = (before,) if before else ()
            steps.append(
                PlannedStep(
                    id=name,
                    kind="toy",
                    title=f"make {name}",
                    lane=lane or name,
                    needs=needs,
                    commands=(f"make {name}",),
                    undo_commands=(f"rm {name}",),
                )
            )
            before = name
    return Plan(platform="toy", pool="toypool", steps=tuple(steps))


def toy_steps(plan: Plan) -> dict[str, ToyStep]:
    return {planned.id: ToyStep(planned) for planned in plan.steps}


async def toy_verify(world: ToyWorld, plan: Plan) -> Sequence[Verified]:
    """One item a step, and one for the whole, as the fault `pool` says."""
    items = [
        Verified(
            id=f"there:{planned.id}", title=f"{planned.id} is there", holds=all_there, detail=str(all_there)
        )
        for planned in plan.steps
        for all_there in (all(world.path(f"{planned.id}.{part}").exists() for part in (1, 2)),)
    ]
    match world.says("pool"):
        case "broken":
            items.append(Verified(id="pool", title="the pool works", holds=False, detail="it does not"))
        case "odd":
            items.append(
                Verified(id="odd", title="nice to have", holds=False, detail="missing", is_essential=False)
            )
        case "unreadable":
            raise ConnectFailed("pool", "toy", "cannot connect: no route")
        case "bug":
            raise ZeroDivisionError("a bug in the verification")
        case "nothing":
            return []
        case "blind":
            return [item.model_copy(update={"holds": None, "detail": "dark"}) for item in items]
        case "hidden":  # until somebody brings a light
            is_lit = (world.root.parent / "light").exists()
            seen = "it does" if is_lit else "dark"
            items.append(Verified(id="pool", title="the pool works", holds=is_lit or None, detail=seen))
    return items


def dump(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
