"""Run: steps by lane as they happen, the log, and the keys to pause, abort or leave it to itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from rich.text import Text
from textual import work
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Button, DataTable, RichLog, Static
from typing_extensions import override

from core.errors import ControlledElsewhere, PoolwrightError
from core.models.events import RunState
from tui import paint, timing
from tui.borrow import inert
from tui.bridge import Bridge
from tui.screens.base import LOOK_S, StepScreen
from tui.widgets.dialog import Confirm, Question

DRAW_TIMES = 5.0  # as rare as that: one paint of steps and log is about 3 KB; a slow line takes 8 KB/s
CLOCK_S = 5  # seconds between two drawings of the time: a slow line must not pay for a ticking clock


class RunScreen(StepScreen):
    """Follows one run; leaving never stops it."""

    step_id = "run"
    CSS_PATH = "run.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "f6,p", "pause", "Pause/go on", id="run.pause", tooltip="stop before the next step, or go on"
        ),
        Binding("f9,a", "abort", "Abort", id="run.abort", tooltip="stop and roll back"),
        Binding(
            "f7,escape,d", "detach", "Detach", id="run.detach", tooltip="leave; the run goes on by itself"
        ),
        Binding("f4", "answer", "Answer", id="run.answer", show=False, tooltip="answer what the run asks"),
        Binding("f5,ctrl+r", "attach", "Attach again", id="run.attach", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.bridge = Bridge(self.session.service, self.session.run)
        self._lines = 0
        self._rows: set[str] = set()
        self._state = ""
        self._asked = ""  # the question that was shown already
        self._was_over = False  # opened to read: nobody is sent on to the result

    @override
    def body(self) -> Iterator[Widget]:
        yield Static("", id="state", markup=False)
        table: DataTable[Text] = DataTable(cursor_type="row", id="steps")
        yield table
        yield RichLog(id="log", max_lines=5000, markup=False, wrap=False, auto_scroll=True)

    @override
    def buttons(self) -> Iterator[Button]:
        yield self.button("Detach", "detach")
        yield self.button("Pause/go on", "pause")
        yield self.button("Abort", "abort")
        yield self.button("Next", "next")

    @override
    def arrive(self) -> None:
        table = self.query_one("#steps", DataTable)
        for label, width in (("State", 13), ("Lane", 16), ("Step", 44), ("Said", 60)):
            table.add_column(label, width=width, key=label)
        table.focus()
        try:
            self.bridge.load()
            self._was_over = self.bridge.ended is not None
        except PoolwrightError as error:
            self.bridge.error = str(error)
        self.set_interval(max(self.draw_s * DRAW_TIMES, LOOK_S), self.draw_dirty)
        self.action_attach()

    @work(group="follow", exclusive=True)
    async def action_attach(self) -> None:
        """Follow from the last event seen."""
        await self.bridge.follow()
        self.draw_dirty()
        if self.bridge.ended is not None:
            self.session.run_has_ended = True
            self.session.touch()
            if self.is_current and not self._was_over:
                self.pw.go("done")

    @override
    def catch_up(self) -> None:
        """What the run asks stays for the timer: a question must not get a key that was meant for the screen."""
        super().catch_up()
        if self._stands and self.is_current:
            self._draw_run()

    def draw_dirty(self) -> None:
        """Draw what changed since the last time, and show what the run asks."""
        self._draw_run()
        self._draw_question()

    def _draw_run(self) -> None:
        bridge = self.bridge
        dirty, bridge.dirty = bridge.dirty, set()
        table = self.query_one("#steps", DataTable)
        for step in (each for name, each in bridge.steps.items() if name in dirty):
            cells = (
                paint.state(self.pw, step.state.value),
                paint.styled(self.pw, step.lane, limit=16),
                paint.styled(self.pw, step.title, limit=44),
                paint.styled(self.pw, step.text, limit=60),
            )
            if step.id in self._rows:
                for key, cell in zip(("State", "Said"), (cells[0], cells[3]), strict=True):
                    table.update_cell(step.id, key, cell)
            else:
                self._rows.add(step.id)
                table.add_row(*cells, key=step.id)
        fresh = min(bridge.logged - self._lines, len(bridge.log))
        if fresh:
            log = self.query_one("#log", RichLog)
            for line in list(bridge.log)[-fresh:]:
                log.write(Text(line))
            self._lines = bridge.logged
        self._draw_state()

    def _draw_question(self) -> None:
        """A question is shown once by itself; one that is asked no more is taken away."""
        question = self.bridge.question
        if question == self._asked:
            return
        self._asked = question
        self.session.touch()
        if isinstance(self.app.screen, Question):
            _ = self.app.screen.dismiss(None)
        if question and self.is_current:
            self.app.bell()
            self.action_answer()

    def _draw_state(self) -> None:
        through, total = self.bridge.progress
        said = paint.state(self.pw, self.bridge.state.value)
        said.append(f"  {through} of {total} steps   {self._times()}   run {self.bridge.run}")
        if self.bridge.controller:
            said.append_text(paint.styled(self.pw, f"   {self.bridge.controller}", "muted", 80))
        if self.bridge.error:
            said.append_text(paint.styled(self.pw, f"   {self.bridge.error}; F5 attaches again", "bad"))
        if said.plain != self._state:
            self._state = said.plain
            self.query_one("#state", Static).update(said, layout=False)

    def _times(self) -> str:
        """Elapsed and what is left; drawn anew only every few seconds, and not at all once the run has ended."""
        clock, now = self.bridge.clock, self.pw.now()
        if self.bridge.ended is not None:
            return timing.words(clock.elapsed_s(clock.last)) if clock.last else ""
        elapsed = int(clock.elapsed_s(now)) // CLOCK_S * CLOCK_S
        left = clock.remaining_s(self.bridge.steps.values(), now)
        about = f", about {timing.words(left - left % CLOCK_S + CLOCK_S)} left" if left is not None else ""
        return f"{timing.words(elapsed)}{about}"

    @override
    def when_complete(self) -> tuple[str, str]:
        return "the run has ended: F8 shows the result", "good"

    @override
    def show_missing(self) -> None:
        if self.session.run_has_ended:
            super().show_missing()
            return
        warnings = self.pw.survival_warnings
        made = (
            paint.styled(self.pw, "the run asks you something: F4 shows it and takes your answer", "bad")
            if self.bridge.question
            else paint.styled(self.pw, warnings[0], "warn")
            if warnings
            else Text("leaving is safe: the run goes on by itself; attach again from home")
        )
        if made.plain != self._said:
            self._said = made.plain
            self.query_one("#missing", Static).update(made, layout=False)

    def action_pause(self) -> None:
        """Pause before the next step, or go on."""
        self._control("continue" if self.bridge.state is RunState.PAUSED else "pause")

    @work(group="control")
    async def action_abort(self) -> None:
        """Ask, then stop and roll back."""
        sure = await self.app.push_screen_wait(
            Confirm(
                "Abort this run? What it has done so far is taken back, step by step.",
                "Abort and roll back",
                "Go on",
            )
        )
        if sure:
            self._control("abort")

    @work(group="control")
    async def _control(self, action: str) -> None:
        try:
            said = await self.session.service.control(self.bridge.run, action)
        except ControlledElsewhere as error:
            sure = await self.app.push_screen_wait(
                Confirm(f"{inert(error.message)}\n\nTake it over, and {action}?", f"Take over and {action}")
            )
            if sure:
                await self._take_over(action)
        except PoolwrightError as error:
            self.tell(str(error), bad=True)
        else:
            self.tell(said or f"asked the runner: {action}")

    async def _take_over(self, action: str) -> None:
        try:
            self.tell(await self.session.service.control(self.bridge.run, action, take_over=True))
        except PoolwrightError as error:
            self.tell(str(error), bad=True)

    @work(group="answer", exclusive=True)
    async def action_answer(self) -> None:
        """Show what the run asks, and hand the answer on."""
        asked = self.bridge.question
        if not asked:
            self.tell("the run asks nothing")
            return
        if asked != self._asked:
            self._asked = asked
            self.session.touch()
        word = await self.app.push_screen_wait(Question(asked, self.bridge.answers))
        if word is None:
            return
        if self.bridge.question == asked:
            self._control(word)
        elif self.bridge.question:
            self.tell("the run asks something else by now: F4 shows it", bad=True)
        else:
            self.tell("the question was answered meanwhile")

    def action_detach(self) -> None:
        """Leave the run to itself."""
        self.pw.leave_run()

    @override
    def action_back(self) -> None:
        self.action_detach()

    @override
    def help_text(self) -> Text:
        return Text(
            "The run belongs to a process of its own: leaving, a cut line or a closed terminal do not stop it. Above "
            "stand the steps by lane, below what was sent and answered. Pause stops before the next step. Abort takes "
            "back what was done, step by step."
        )
