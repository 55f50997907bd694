"""Run a plan: look, intent on disk, do, verify, record; on failure the way back. Knows Steps and nothing of a platform.

The journal decides where to go on, so that a first run and a resume after any crash are the same code.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from core.engine.asking import Asking
from core.engine.control import Control, Wish
from core.engine.guarding import BEFORE, Guard, fingerprint_entry
from core.engine.journal import Entry, Journal
from core.engine.planner import HELD, next_step
from core.engine.planner import check_plan as check_plan
from core.engine.reading import EngineLimits, Patience, Sleep, said, settle
from core.engine.step import Look, Seen, Step, World
from core.engine.undoing import Stopped, Undoer, residue_entry, step_entry
from core.engine.verdict import judge_verification, unverified
from core.errors import (
    BadReply,
    CommandTimeout,
    ConnectFailed,
    JournalError,
    PoolwrightError,
    ReplyLost,
    StepError,
    TransportError,
)
from core.models.events import EventKind, Outcome, Residue, RunState, StepState, Verified
from core.models.plan import JsonDict, PlanAim, PlannedStep

_S = StepState
_REPLY_LOST = (ReplyLost, CommandTimeout, ConnectFailed, BadReply)  # the command may have been carried out


class OnFailure(StrEnum):
    """What a failed step leads to."""

    ROLLBACK = "rollback"  # a pool is whole or not there
    KEEP_GOING = "keep_going"  # independent lanes go on (a clean-up); what depends on it stops


class Executor:
    """Carries one run to its outcome. Use once; `control` may be asked at any time."""

    def __init__(
        self,
        journal: Journal,
        steps: Mapping[str, Step[Any]],
        world: World,
        verify: Callable[[], Awaitable[Sequence[Verified]]],
        *,
        control: Control | None = None,
        limits: EngineLimits = EngineLimits(),  # noqa: B008 - frozen
        on_failure: OnFailure = OnFailure.ROLLBACK,
        sleep: Sleep = asyncio.sleep,
        guard: Guard | None = None,
    ) -> None:
        self._journal, self._steps, self._world, self._verify = journal, steps, world, verify
        self.control = control or Control()
        self._limits, self._on_failure = limits, on_failure
        self._patience = Patience(limits, sleep)
        self._asking = Asking(journal, self.control, limits)
        self._busy: set[str] = set()
        check_plan(journal.head.plan)
        self._guard = guard
        self._undoer = Undoer(journal, steps, world, self.control, self._patience, self._doubtful(), guard)

    async def run(self) -> Outcome:
        """Go on from what the journal says to the outcome.

        Raises Stopped when asked to end the process, JournalError when the journal cannot be written (nothing is
        done after that); both leave the run resumable. Cancelling it leaves the step at hand in doubt, as a crash does.
        """
        now = self._journal.now
        if now.state is RunState.DONE:
            raise StepError("", f"cannot continue run {now.run}: it has ended ({now.outcome})")
        self._recall()
        if now.state is RunState.ROLLING_BACK:
            return await self._undoer.roll_back(now.message)
        if now.state is RunState.CREATED and not await self._may_begin():
            return Outcome.REFUSED
        self._journal.write(Entry(EventKind.RUN_STATE, state=RunState.RUNNING))
        await self._forward()
        return await self._conclude()

    async def roll_back(self, reason: str) -> Outcome:
        """Take back what this run did, whether it ended or was interrupted."""
        self._recall()
        return await self._undoer.roll_back(reason)

    async def _may_begin(self) -> bool:
        """Ask the guard before the first step; what it says no to ends the run, untouched."""
        if self._guard is None:
            return True
        try:
            cleared = await self._guard.clear()
        except JournalError:
            raise
        except PoolwrightError as error:
            self._journal.write(Entry(EventKind.OUTCOME, str(error), state=Outcome.REFUSED))
            return False
        notes = [Entry(EventKind.NOTE, note) for note in cleared.notes]
        self._journal.write(*notes, fingerprint_entry(BEFORE, cleared.fingerprint))
        return True

    # forward ---------------------------------------------------------------------------------------------------

    async def _forward(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                while (planned := await self._next()) is not None:
                    self._busy.add(planned.id)
                    group.create_task(self._one(planned))
        except BaseExceptionGroup as errors:
            raise self._journal.broken or errors.exceptions[0] from errors

    async def _next(self) -> PlannedStep | None:
        """The next step that may begin now; waits for one; None when none ever will."""
        while True:
            self.control.changed.clear()
            if self.control.is_ending or (self._failed() and self._on_failure is OnFailure.ROLLBACK):
                return None
            if self._is_free():
                has_room = len(self._busy) < self._journal.head.plan.at_once
                ready = (
                    next_step(self._journal.head.plan, self._journal.now.steps, self._busy)
                    if has_room
                    else None
                )
                if ready is not None or not self._busy:
                    return ready
            await self.control.changed.wait()

    def _is_free(self) -> bool:
        """Not paused; also writes down when a pause begins or ends."""
        state = self._journal.now.state
        is_paused = self.control.wish is Wish.PAUSE
        if is_paused and not self._busy and state is not RunState.PAUSED:
            self._journal.write(Entry(EventKind.RUN_STATE, "paused", state=RunState.PAUSED))
        if not is_paused and state is RunState.PAUSED:
            self._journal.write(Entry(EventKind.RUN_STATE, "continued", state=RunState.RUNNING))
        return not is_paused

    async def _one(self, planned: PlannedStep) -> None:
        try:
            await (self._settle if self._journal.now.steps[planned.id].state is _S.DOING else self._begin)(
                planned
            )
        finally:
            self._busy.discard(planned.id)
            self.control.changed.set()

    async def _begin(self, planned: PlannedStep) -> None:
        look = await self._look(planned)
        match look.seen:
            case Seen.THERE:
                self._write(planned, _S.ADOPTED, look.detail, look.record)
            case Seen.NOT_THERE:
                await self._do(planned, look.record)
            case _:
                self._fail(planned, look)

    async def _settle(self, planned: PlannedStep) -> None:
        """A step whose intent is on disk and whose end is not: ask the world what became of it."""
        before = self._journal.now.steps[planned.id].record
        await settle(self._world, planned.id)
        look = await self._look(planned)
        match look.seen:
            case Seen.THERE:  # ours, since the intent came before it
                await self._prove(planned, {**before, **look.record}, "found done")
            case Seen.NOT_THERE:
                await self._do(planned, before, again=True)
            case _:
                self._fail(planned, look)

    async def _do(self, planned: PlannedStep, before: JsonDict, *, again: bool = False) -> None:
        self._write(planned, _S.DOING, "", before)
        try:
            record = {**before, **await self._steps[planned.id].do(self._world)}
        except JournalError:
            raise
        except Exception as error:  # noqa: BLE001 - a step's bug fails the step, never the runner
            await self._decide(planned, before, error, again=again)
            return
        await self._prove(planned, record, "")

    async def _decide(self, planned: PlannedStep, before: JsonDict, error: Exception, *, again: bool) -> None:
        """`do` raised. Where the reply was lost, or an earlier process's command may just have got there first, what
        is there decides; nothing is sent again."""
        if again or isinstance(error, _REPLY_LOST):
            await settle(self._world, planned.id)
            look = await self._look(planned)
            if look.seen is Seen.THERE:
                await self._prove(planned, {**before, **look.record}, f"the result is there: {said(error)}")
                return
            if look.is_unreachable:
                self._fail(planned, look)
                return
        self._write(planned, _S.FAILED, said(error))

    async def _prove(self, planned: PlannedStep, record: JsonDict, text: str) -> None:
        step = self._steps[planned.id]
        look = await self._ask(planned, lambda: step.verify(self._world, record))
        if look.seen is Seen.THERE:
            self._write(planned, _S.DONE, text or look.detail, record)
        else:
            self._fail(planned, look, "did not hold: ", record)

    async def _look(self, planned: PlannedStep) -> Look:
        step = self._steps[planned.id]
        return await self._ask(planned, lambda: step.look(self._world))

    async def _ask(self, planned: PlannedStep, ask: Callable[[], Awaitable[Look]]) -> Look:
        return await self._asking.until_seen(planned, await self._patience.look(ask), ask)

    def _fail(
        self, planned: PlannedStep, look: Look, before: str = "", record: JsonDict | None = None
    ) -> None:
        """Not as it should be; what nobody could look at before the process was to end stays as it is, in doubt."""
        if not (look.is_unreachable and self.control.wish is Wish.STOP):
            self._write(planned, _S.FAILED, f"{before}{_why(look)}", record)

    def _write(
        self, planned: PlannedStep, state: StepState, text: str, record: JsonDict | None = None
    ) -> None:
        self._journal.write(step_entry(planned, state, text, record))
        if state in HELD:
            self._world.remember(planned.id, self._journal.now.steps[planned.id].record)

    # end -------------------------------------------------------------------------------------------------------

    async def _conclude(self) -> Outcome:
        if (failed := self._failed()) and self._on_failure is OnFailure.ROLLBACK:
            return await self._undoer.roll_back(self._reason(failed[0]))
        if (ended := await self._end_as_asked()) is not None:
            return ended
        if failed:
            return await self._end_in_parts(failed)
        items, failure = await self._look_at_all()
        self._journal.write(*(_verified_entry(item) for item in items))
        plan = self._journal.head.plan
        if plan.aim is PlanAim.SWEEP:
            return self._end_of_sweep(items, failure)
        verdict = unverified(failure) if failure else judge_verification(items, plan)
        if verdict.outcome is None:
            return await self._undoer.roll_back(verdict.text)
        if (ended := await self._end_as_asked()) is not None:
            return ended
        self._journal.write(Entry(EventKind.OUTCOME, verdict.text, state=verdict.outcome))
        return verdict.outcome

    async def verify_again(self) -> Outcome:
        """Look once more at what an ended, unverified run made, and write down its outcome now. Changes nothing.

        Raises StepError for a run with any other outcome.
        """
        now = self._journal.now
        if now.outcome is not Outcome.CREATED_UNVERIFIED:
            raise StepError("", f"cannot verify run {now.run} again: it is {now.outcome or now.state}")
        self._recall()
        items, failure = await self._look_at_all()
        verdict = unverified(failure) if failure else judge_verification(items, self._journal.head.plan)
        outcome, text = verdict.outcome, verdict.text
        if outcome is None:  # nothing is taken down by a look
            outcome, text = Outcome.CREATED_UNVERIFIED, unverified(verdict.text).text
        entries = [_verified_entry(item) for item in items]
        self._journal.write(*entries, Entry(EventKind.VERIFICATION, text, state=outcome))
        return outcome

    async def _end_as_asked(self) -> Outcome | None:
        match self.control.wish:
            case Wish.STOP:
                raise Stopped
            case Wish.LEAVE:
                return await self._undoer.leave("left by the operator")
            case Wish.ABORT:
                return await self._undoer.roll_back("aborted by the operator")
            case _:
                return None

    async def _look_at_all(self) -> tuple[Sequence[Verified], str]:
        """The items of the verification, or why there are none."""
        try:
            return await self._verified(), ""
        except JournalError:
            raise
        except Exception as error:  # noqa: BLE001 - no answer is no verdict, and no reason to undo
            return (), said(error)

    async def _verified(self) -> Sequence[Verified]:
        for attempt in range(self._limits.read_attempts - 1):
            try:
                return await self._verify()
            except TransportError:
                await self._patience.wait(attempt)
        return await self._verify()

    def _end_of_sweep(self, items: Sequence[Verified], failure: str) -> Outcome:
        """Nothing is taken back: what is still there, or was left to a person and is not seen gone, is told.

        Where nobody could look (`failure` says why), or there was nothing to look at, nothing is known to be gone.
        """
        plan = self._journal.head.plan
        if not items:
            what, why = f"cannot determine what is left of {plan.pool}", failure or "no verification was made"
            items = [Verified(id="sweep", title=what, holds=None, detail=why)]
        by_hand = {one.id: one for one in plan.by_hand}
        left = []
        for item in items:
            if item.holds is True:
                continue
            told = by_hand.get(item.id)
            what, where = (told.what, told.where) if told else (item.title, plan.pool)
            commands = told.commands if told else ()
            left.append(Residue(id=item.id, what=what, where=where, why=item.detail, commands=commands))
        entries = [Entry(EventKind.RESIDUE, one.what, data=one.model_dump(mode="json")) for one in left]
        outcome = Outcome.NEEDS_HUMAN if left else Outcome.CLEANED
        text = f"{len(left)} left for a person" if left else "nothing of it is left"
        self._journal.write(*entries, Entry(EventKind.OUTCOME, text, state=outcome))
        return outcome

    async def _end_in_parts(self, failed: list[PlannedStep]) -> Outcome:
        """Some lanes failed and cleaned up after themselves, the others stay."""
        now = self._journal.now.steps
        reasons = {planned.id: now[planned.id].text for planned in failed}
        for planned in failed:
            if now[planned.id].was_doing:
                await self._undoer.undo(planned)
            left = Residue(id="failed", what=planned.title, where=planned.lane, why=reasons[planned.id])
            self._journal.write(residue_entry(planned, left))
        text = f"{len(failed)} of {len(now)} steps failed"
        self._journal.write(
            *self._undoer.skipped(), Entry(EventKind.OUTCOME, text, state=Outcome.NEEDS_HUMAN)
        )
        return Outcome.NEEDS_HUMAN

    def _failed(self) -> list[PlannedStep]:
        now = self._journal.now.steps
        return [planned for planned in self._journal.head.plan.steps if now[planned.id].state is _S.FAILED]

    def _reason(self, failed: PlannedStep) -> str:
        return f"{failed.title}: {self._journal.now.steps[failed.id].text}"

    def _doubtful(self) -> frozenset[str]:
        """Steps of an earlier process that must be looked at before they are undone."""
        now = self._journal.now
        open_states = (_S.DOING, _S.UNDOING, _S.UNDO_FAILED)
        has_ended = now.state is RunState.DONE
        return frozenset(id_ for id_, step in now.steps.items() if has_ended or step.state in open_states)

    def _recall(self) -> None:
        for id_, step in self._journal.now.steps.items():
            if step.state in HELD:
                self._world.remember(id_, step.record)


def _why(look: Look) -> str:
    prefix = {Seen.FOREIGN: "something else is there: ", Seen.UNKNOWN: "cannot be looked at: "}.get(
        look.seen, ""
    )
    return prefix + (look.detail or look.seen)


def _verified_entry(item: Verified) -> Entry:
    state = {True: "holds", False: "does not hold", None: "unknown"}[item.holds]
    return Entry(
        EventKind.VERIFIED, f"{item.title}: {item.detail}", state=state, data=item.model_dump(mode="json")
    )
