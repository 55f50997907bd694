"""Follows a run through the service and keeps the latest state per step. No widget, no drawing."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace

from core.errors import PoolwrightError
from core.models.events import EventKind, RunEvent, RunState, StepState
from core.service import RunView, Service, StepView
from tui.borrow import inert
from tui.timing import StepClock

LOG_LINES = 5000  # kept for the screen; the journal has them all


class Bridge:
    """The latest known state of one run. `follow` may be called again after a break: it goes on after `last_seq`."""

    def __init__(self, service: Service, run: str) -> None:
        self.service = service
        self.run = run
        self.last_seq = 0
        self.state = RunState.CREATED
        self.steps: dict[str, StepView] = {}
        self.dirty: set[str] = set()  # steps to draw again
        self.log: deque[str] = deque(maxlen=LOG_LINES)
        self.logged = 0  # lines ever added to the log
        self.ended: RunView | None = None
        self.error = ""
        self.clock = StepClock()
        self.question = ""  # what the run asks the operator now
        self.answers: dict[str, str] = {}  # the words that answer it, and what each means
        self.controller = ""  # who controls it, or asked for what, in the journal's words
        self.on_line: Callable[[str], None] | None = None  # told every new line of the log

    def load(self) -> None:
        """Take the steps from the journal, so that all rows stand before the first event comes."""
        view = self.service.show(self.run)
        self.steps = {each.id: each for each in view.steps}
        self.dirty = set(self.steps)
        self.state = view.state
        if view.state is RunState.DONE:
            self.ended = view

    async def follow(self, *, until_asked: bool = False) -> None:
        """Replay and follow until the run ends; a lost connection is an error text, the run itself goes on.

        `until_asked` returns also when the run asks something that is still open.
        """
        self.error = ""
        try:
            async for event in self.service.follow(self.run, since=self.last_seq):
                self.apply(event)
                if until_asked and self.question and self.service.show(self.run).question:
                    return
            view = self.service.show(self.run)
        except PoolwrightError as error:
            self.error = inert(error)
            return
        self.steps.update({each.id: each for each in view.steps})
        self.dirty |= set(self.steps)
        self.state = view.state
        if view.state is RunState.DONE:
            self.ended = view
        else:
            self.error = "the connection to the runner has ended; attach again"

    def apply(self, event: RunEvent) -> None:
        """Fold one event; one seen before changes nothing."""
        if event.seq <= self.last_seq:
            return
        self.last_seq = event.seq
        self.clock.apply(event)
        if event.kind is EventKind.STEP_STATE:
            self._step(event)
        elif event.kind is EventKind.QUESTION:
            self._asked(event)
        elif event.kind is EventKind.ANSWER:
            self.question = ""
        elif event.kind is EventKind.CONTROL:
            self.controller = event.text
        elif event.kind is EventKind.RUN_STATE and event.state in set(RunState):
            self.state = RunState(event.state)
            self.question = ""
        line = " ".join(part for part in (event.step, event.state, event.text) if part)
        if line:
            made = f"{event.at:%H:%M:%S} {inert(line, 2000)}"
            self.log.append(made)
            self.logged += 1
            if self.on_line is not None:
                self.on_line(made)

    def _asked(self, event: RunEvent) -> None:
        given = event.data.get("answers")
        self.question = inert(event.text, 2000)
        self.answers = (
            {str(word): inert(text) for word, text in given.items()} if isinstance(given, dict) else {}
        )

    def _step(self, event: RunEvent) -> None:
        state = StepState(event.state) if event.state in set(StepState) else StepState.WAITING
        old = self.steps.get(event.step) or StepView(event.step, event.step, "pool", state)
        self.steps[event.step] = replace(old, state=state, text=event.text or old.text)
        self.dirty.add(event.step)

    @property
    def progress(self) -> tuple[int, int]:
        """Steps that are through, and all."""
        through = {StepState.DONE, StepState.ADOPTED, StepState.SKIPPED, StepState.UNDONE}
        return sum(each.state in through for each in self.steps.values()), len(self.steps)
