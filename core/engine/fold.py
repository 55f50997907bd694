"""Fold the events of one run into its state. Pure; the same code serves the executor, the journal and every view."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from core.engine.states import check_outcome, check_run, check_step
from core.errors import JournalError
from core.models.events import EventKind, Outcome, Residue, RunEvent, RunState, StepState, Verified
from core.models.fingerprint import Fingerprint
from core.models.plan import JsonDict, Plan
from core.models.views import RunView, StepView

_S = StepState
TELLING = (
    EventKind.RUN_STATE,
    EventKind.STEP_STATE,
    EventKind.VERIFIED,
    EventKind.VERIFICATION,
    EventKind.RESIDUE,
    EventKind.FINGERPRINT,
    EventKind.OUTCOME,
    EventKind.QUESTION,
    EventKind.ANSWER,
)


@dataclass(slots=True)
class StepNow:
    """One step as its events leave it. `was_doing` says that an effect may exist that an undo must look at."""

    state: StepState = StepState.WAITING
    text: str = ""
    record: JsonDict = field(default_factory=dict)
    was_doing: bool = False
    seq: int = 0  # of the last event that changed its forward state: the order of completion


@dataclass(slots=True)
class RunNow:
    """One run as its events leave it."""

    run: str
    steps: dict[str, StepNow]
    state: RunState = RunState.CREATED
    outcome: Outcome | None = None
    verification: dict[str, Verified] = field(default_factory=dict)
    verified_at: str = ""
    superseded_at: str = ""  # when a rollback made the verification out of date
    residue: dict[str, tuple[str, Residue]] = field(default_factory=dict)  # "step/id" -> (step, residue)
    started_at: str = ""
    ended_at: str = ""
    seq: int = 0
    message: str = ""
    fingerprint: Fingerprint | None = None  # how the world was before the first step
    question: str = ""  # what the operator is asked now

    @classmethod
    def of(cls, run: str, plan: Plan) -> RunNow:
        """The state before the first event."""
        return cls(run, {planned.id: StepNow() for planned in plan.steps})

    def apply(self, event: RunEvent) -> None:
        """Take one more event in; JournalError when it cannot follow (gap, unknown step, forbidden change)."""
        if event.seq != self.seq + 1:
            raise JournalError(f"cannot fold run {self.run}: event {event.seq} follows {self.seq}")
        self.take(event)

    def take(self, event: RunEvent) -> None:
        """The same for a caller who leaves out the events that tell no state (see TELLING)."""
        match event.kind:
            case EventKind.RUN_STATE:
                self._run_state(event)
            case EventKind.STEP_STATE:
                self._step_state(event)
            case EventKind.VERIFIED:
                item = Verified.model_validate(event.data)
                self.verification[item.id] = item
                self.verified_at = event.at.isoformat()
            case EventKind.VERIFICATION:
                self._settled(event)
            case EventKind.RESIDUE:
                residue = Residue.model_validate(event.data)
                self.residue[f"{event.step}/{residue.id}"] = (event.step, residue)
            case EventKind.FINGERPRINT:
                if event.state == "before":
                    self.fingerprint = Fingerprint.model_validate(event.data)
            case EventKind.OUTCOME:
                self._ended(event)
            case EventKind.QUESTION:
                self.question = event.text
            case EventKind.ANSWER:
                self.question = ""
            case _:
                pass
        self.seq = event.seq

    def _run_state(self, event: RunEvent) -> None:
        state = RunState(event.state)
        check_run(self.run, self.state, state)
        self.state = state
        self.question = ""
        self.outcome, self.ended_at = None, ""
        self.started_at = self.started_at or event.at.isoformat()
        if state is RunState.ROLLING_BACK:
            self.message = event.text or self.message
            self._supersede(event)
            undone = {id_ for id_, step in self.steps.items() if step.state is _S.UNDONE}
            self.residue = {
                key: left for key, left in self.residue.items() if left[0] in undone
            }  # the rest anew

    def _step_state(self, event: RunEvent) -> None:
        step = self.steps.get(event.step)
        if step is None:
            raise JournalError(f"cannot fold run {self.run}: no step is called {event.step!r}")
        state = StepState(event.state)
        check_step(event.step, step.state, state)
        step.state, step.text = state, event.text
        record = event.data.get("record")
        if isinstance(record, dict):
            step.record = record
        if state is _S.DOING:
            step.was_doing = True
        if state in (_S.DOING, _S.DONE, _S.FAILED, _S.ADOPTED):
            step.seq = event.seq
        if state is _S.UNDOING:  # what is left of it is found out anew
            self.residue = {id_: left for id_, left in self.residue.items() if left[0] != event.step}

    def _ended(self, event: RunEvent) -> None:
        check_run(self.run, self.state, RunState.DONE)
        self.state, self.outcome = RunState.DONE, Outcome(event.state)
        self.started_at = self.started_at or event.at.isoformat()
        self.ended_at, self.message = event.at.isoformat(), event.text

    def _settled(self, event: RunEvent) -> None:
        """A later look at what the run made; when it ended, and how, stays in its own events."""
        outcome = Outcome(event.state)
        check_outcome(self.run, self.outcome, outcome)
        self.outcome, self.message = outcome, event.text

    def _supersede(self, event: RunEvent) -> None:
        """What was verified is being taken back: it tells of the past."""
        if self.verification and not self.superseded_at:
            self.superseded_at = event.at.isoformat()
        self.verification = {id_: item.superseded(event.at) for id_, item in self.verification.items()}

    def pool_facts(self) -> dict[str, Any]:
        """What the steps recorded of the pool itself: the `pool` part of the records of steps that hold."""
        facts: dict[str, Any] = {}
        for step in self.steps.values():
            part = step.record.get("pool")
            if step.state in (_S.DONE, _S.ADOPTED) and isinstance(part, dict):
                facts.update(part)
        return facts

    def view(self, plan: Plan, *, is_live: bool = False, with_steps: bool = True) -> RunView:
        """What front ends show of it."""
        steps = tuple(
            StepView(planned.id, planned.title, planned.lane, now.state, now.text)
            for planned in plan.steps
            for now in (self.steps[planned.id],)
        )
        return RunView(
            run=self.run,
            pool=plan.pool,
            platform=plan.platform,
            state=self.state,
            outcome=self.outcome,
            steps=steps if with_steps else (),
            verification=tuple(self.verification.values()),
            verified_at=self.verified_at,
            superseded_at=self.superseded_at,
            unobservable=plan.unobservable,
            residue=tuple(residue for _, residue in self.residue.values()),
            started_at=self.started_at,
            ended_at=self.ended_at,
            last_seq=self.seq,
            is_live=is_live,
            message=self.message,
            question=self.question if is_live else "",
            pool_facts=self.pool_facts(),
            warnings=plan.warnings if with_steps else (),
        )
