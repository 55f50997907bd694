"""Take a run back: what it did, in reverse order of completion, and an honest list of what stays behind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.engine.control import Control, Wish
from core.engine.guarding import Guard, compare_again
from core.engine.journal import Entry, Journal
from core.engine.reading import Patience, said, settle
from core.engine.step import Seen, Step, Undone, World
from core.errors import JournalError
from core.models.events import EventKind, Outcome, Residue, RunState, StepState
from core.models.plan import JsonDict, PlannedStep

_S = StepState


class Stopped(Exception):
    """The runner shall end; the run stays open in the journal and can be resumed."""


def step_entry(
    planned: PlannedStep, state: StepState, text: str = "", record: JsonDict | None = None
) -> Entry:
    """The event of a step's new state; `record` None keeps the one it has."""
    data = {} if record is None else {"record": record}
    return Entry(EventKind.STEP_STATE, text or planned.title, planned.id, state, data)


def residue_entry(planned: PlannedStep, residue: Residue) -> Entry:
    """The event of something a step left behind."""
    return Entry(EventKind.RESIDUE, residue.what, planned.id, data=residue.model_dump(mode="json"))


class Undoer:
    """Rolls one run back. `doubtful` are steps whose present state in the world is asked before they are undone."""

    def __init__(
        self,
        journal: Journal,
        steps: Mapping[str, Step[Any]],
        world: World,
        control: Control,
        patience: Patience,
        doubtful: frozenset[str],
        guard: Guard | None = None,
    ) -> None:
        self._journal, self._steps, self._world, self._guard = journal, steps, world, guard
        self._control, self._patience, self._doubtful = control, patience, doubtful

    async def roll_back(self, reason: str) -> Outcome:
        """Undo everything this run did; adopted things stay. Raises Stopped when asked to end in between."""
        self._journal.write(Entry(EventKind.RUN_STATE, reason, state=RunState.ROLLING_BACK), *self.skipped())
        for planned in self.to_undo():
            if self._control.wish is Wish.STOP:
                raise Stopped
            if self._control.wish is Wish.LEAVE:
                return await self.leave(f"{reason}; the rollback was left by the operator")
            await self.undo(planned)
        if self._guard is not None:
            await compare_again(self._journal, self._guard, self._patience)
        return self._end(reason)

    async def leave(self, reason: str) -> Outcome:
        """End the run as it stands; every effect of it is listed with the commands that end it."""
        for planned in self.to_undo():
            left = await self._left_over(planned, "left on purpose")
            self._journal.write(residue_entry(planned, left))
        self._journal.write(*self.skipped())
        return self._end(reason)

    def to_undo(self) -> list[PlannedStep]:
        """Steps with an effect of this run, newest first."""
        now = self._journal.now.steps
        plan = self._journal.head.plan.steps
        left_over = {step for step, _ in self._journal.now.residue.values()} & self._doubtful
        found = [
            planned
            for planned in plan
            if _has_effect(now[planned.id].state, now[planned.id].was_doing) or planned.id in left_over
        ]
        place = {planned.id: index for index, planned in enumerate(plan)}
        return sorted(found, key=lambda planned: (now[planned.id].seq, place[planned.id]), reverse=True)

    def skipped(self) -> list[Entry]:
        """Events that say which steps will not be reached."""
        now = self._journal.now.steps
        waiting = [
            planned for planned in self._journal.head.plan.steps if now[planned.id].state is _S.WAITING
        ]
        return [step_entry(planned, _S.SKIPPED, "not reached") for planned in waiting]

    async def undo(self, planned: PlannedStep) -> None:
        """Take back one step, within bounds, and write down what stays behind."""
        if (other := self._standing_on(planned)) is not None:
            why_not = f"not tried, since `{other.title}` could not be taken back"
            in_use = self._is_in_use(other)
            left = (
                _residue(planned, why_not, is_in_use=True)
                if in_use
                else await self._left_over(planned, why_not)
            )
            self._give_up(planned, left)
            return
        if foreign := await self._foreign(planned):
            self._give_up(planned, _residue(planned, foreign))
            return
        undone = Undone(certain=False, detail="not tried")
        for attempt in range(self._patience.limits.undo_attempts):
            if attempt:
                await self._patience.wait(attempt - 1)
            undone = await self._try(planned)
            if (undone.certain and not undone.may_retry) or any(one.is_in_use for one in undone.residue):
                break
        await self._tell(planned, undone)

    def _give_up(self, planned: PlannedStep, left: Residue) -> None:
        self._journal.write(residue_entry(planned, left), step_entry(planned, _S.UNDO_FAILED, left.why))

    async def _left_over(self, planned: PlannedStep, why: str) -> Residue:
        """A step that is not taken back, with the commands for a person as exact as they can be by now."""
        record = self._journal.now.steps[planned.id].record
        try:
            commands = await self._steps[planned.id].commands_left(self._world, record)
        except JournalError:
            raise
        except Exception as error:  # noqa: BLE001 - what is left is told in any case
            return _residue(planned, f"{why}; no command can be given: {said(error)}")
        return _residue(planned, why, commands)

    async def _try(self, planned: PlannedStep) -> Undone:
        self._journal.write(step_entry(planned, _S.UNDOING, planned.title))
        record = self._journal.now.steps[planned.id].record
        try:
            return await self._steps[planned.id].undo(self._world, record)
        except JournalError:
            raise
        except Exception as error:  # noqa: BLE001 - a failing undo is residue, never a dead runner
            return Undone(certain=False, detail=said(error))

    async def _tell(self, planned: PlannedStep, undone: Undone) -> None:
        if self._journal.broken is not None:  # a step may have swallowed it
            raise self._journal.broken
        left = list(undone.residue)
        if not left and not undone.certain:
            left = [await self._left_over(planned, undone.detail or "cannot be read back")]
        state = _S.UNDONE if undone.certain else _S.UNDO_FAILED
        text = undone.detail or ("taken back" if undone.certain else "could not be taken back")
        self._journal.write(
            *(residue_entry(planned, item) for item in left), step_entry(planned, state, text)
        )

    def _standing_on(self, planned: PlannedStep) -> PlannedStep | None:
        """The step for which this one cannot be undone yet: it is built on this one, and still there."""
        now = self._journal.now.steps
        standing = [
            other
            for other in self._journal.head.plan.steps
            if planned.id in other.needs and now[other.id].state is _S.UNDO_FAILED
        ]
        return next((one for one in standing if self._is_in_use(one)), standing[0] if standing else None)

    def _is_in_use(self, planned: PlannedStep) -> bool:
        left = self._journal.now.residue.values()
        return any(step == planned.id and residue.is_in_use for step, residue in left)

    async def _foreign(self, planned: PlannedStep) -> str:
        if planned.id not in self._doubtful:
            return ""
        await settle(self._world, planned.id)
        step = self._steps[planned.id]
        look = await self._patience.look(lambda: step.look(self._world))
        return (
            f"not touched: what is there now is not ours: {look.detail}" if look.seen is Seen.FOREIGN else ""
        )

    def _end(self, reason: str) -> Outcome:
        left = len(self._journal.now.residue)
        outcome = Outcome.NEEDS_HUMAN if left else Outcome.ROLLED_BACK
        end = f"{left} left behind" if left else "nothing of this run is left"
        text = f"{reason}; {end}" if reason else end
        self._journal.write(Entry(EventKind.OUTCOME, text, state=outcome))
        return outcome


def _has_effect(state: StepState, was_doing: bool) -> bool:
    return state in (_S.DONE, _S.DOING, _S.UNDOING, _S.UNDO_FAILED) or (state is _S.FAILED and was_doing)


def _residue(
    planned: PlannedStep, why: str, commands: tuple[str, ...] = (), *, is_in_use: bool = False
) -> Residue:
    return Residue(
        id=planned.id,
        what=planned.title,
        where=planned.lane,
        why=why,
        commands=commands,
        is_in_use=is_in_use,
    )
