"""What every screen of the wizard shares: stepper, heading, what is missing, buttons, footer, one drawing timer."""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Button, Static
from typing_extensions import override

from tui import paint, status, wizard
from tui.screens.quiet import QuietScreen
from tui.widgets.key_bar import KeyBar, own_keys
from tui.widgets.stepper import Stepper

if TYPE_CHECKING:
    from tui.app import PoolwrightApp
    from tui.session import Session

STREAM_TIMES = 3.5  # while results stream: a table of 14 rows is about 2 KB, a slow line takes 8 KB/s
LOOK_S = 0.01  # how often a screen that may draw at once looks whether it must


class StepScreen(QuietScreen[None]):
    """One step. A subclass brings `body`, and `draw` for what the session changes by itself."""

    step_id: ClassVar[str]
    LACKS: ClassVar[str] = "missing"  # how the line above the buttons begins while this step may not be left
    AUTO_FOCUS = ""  # each screen sets its own focus on arrival
    HORIZONTAL_BREAKPOINTS: list[tuple[int, str]] | None = [(0, "-narrow"), (72, "-normal")]
    VERTICAL_BREAKPOINTS: list[tuple[int, str]] | None = [(0, "-short"), (22, "-tall")]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f8,ctrl+n", "next", "Next", id="wizard.next", tooltip="go on to the next part"),
        Binding(
            "f7,escape", "back", "Back", id="wizard.back", tooltip="back to the part before; nothing is lost"
        ),
        Binding(
            "f1,question_mark",
            "help",
            "Help",
            id="wizard.help",
            tooltip="what the focused input means, all keys",
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._stands = False  # are its widgets there?
        self._drawn = -1
        self._drawn_at = 0.0
        self._said = ""
        self._headed = ""

    @property
    def pw(self) -> PoolwrightApp:
        """The app, by its type."""
        return cast("PoolwrightApp", self.app)

    @property
    def session(self) -> Session:
        """The one session of this wizard."""
        return self.pw.session

    @override
    def compose(self) -> ComposeResult:
        yield Stepper()
        yield Static(wizard.step(self.step_id).heading, id="heading", markup=False)
        with Vertical(id="body"):
            yield from self.body()
        yield Static("", id="missing", markup=False)
        with Horizontal(id="nav"):
            yield from self.buttons()
        yield KeyBar(own_keys(self))

    def body(self) -> Iterator[Widget]:
        """The widgets of this step."""
        yield from ()

    def buttons(self) -> Iterator[Button]:
        """Every key's action as a button too."""
        yield self.button("Back", "back")
        yield self.button("Next", "next")

    @staticmethod
    def button(label: str, action: str) -> Button:
        """A button of one line that runs an action of this screen."""
        return Button(label, compact=True, action=f"screen.{action}", classes="nav")

    def on_mount(self) -> None:
        """Draw at once, then at most so often as the settings say, and only when something changed."""
        if not self.query("#body > *"):
            return  # left before it was shown: its widgets are gone already
        self._stands = True
        self.arrive()
        self.catch_up()
        self.set_interval(max(self.draw_s, LOOK_S), self._tick)

    @property
    def draw_s(self) -> float:
        """The shortest time between two paints, seconds; 0: at once."""
        return self.pw.service().settings.draw_s

    def arrive(self) -> None:
        """Set the focus; called once when the screen appears."""

    def draw(self) -> None:
        """Bring what is shown up to date with the session."""

    def take_typed(self) -> None:
        """Hand to the session what was typed and has not reached it yet."""

    @override
    def catch_up(self) -> None:
        if not self._stands or not self.is_current:
            return
        self.take_typed()
        if self._drawn != self.session.version:
            self._draw_all()

    def _tick(self) -> None:
        is_streaming = self.session.activity.value == "checking"
        if not is_streaming or monotonic() - self._drawn_at >= self.draw_s * STREAM_TIMES:
            self.catch_up()

    def _draw_all(self) -> None:
        self._drawn_at = monotonic()
        self._drawn = self.session.version
        self.draw()
        self.query_one(Stepper).show(self.pw, self.session, self.step_id)
        self.show_status()
        self.show_missing()

    def on_screen_resume(self) -> None:
        """Coming back from another screen: draw everything again."""
        self._drawn = -1

    def show_status(self) -> None:
        """The heading, and at its right Manager, trust and how a run would outlive the session."""
        line = self.query_one("#heading", Static)
        made = status.heading(self.pw, self.session, wizard.step(self.step_id).heading, line.size.width)
        if made.plain != self._headed:
            self._headed = made.plain
            line.update(made, layout=False)

    def on_resize(self) -> None:
        """Another width, another line."""
        self._drawn, self._headed = -1, ""

    def missing(self) -> tuple[str, ...]:
        """Why this step may not be left forwards."""
        return wizard.missing(self.step_id, self.session)

    def show_missing(self) -> None:
        """The line above the buttons: an error, what is missing, or that all is well."""
        missing = self.missing()
        activity = "checking... " if self.session.activity.value == "checking" else ""
        if self.session.error and not activity:
            made = paint.styled(self.pw, self.session.error, "bad")
        elif missing:
            many = f" (1 of {len(missing)})" if len(missing) > 1 else ""
            room = max(self.query_one("#missing").size.width, 40)
            made = paint.styled(self.pw, f"{activity}{self.LACKS}{many}: {missing[0]}", "warn", room)
        else:
            text, style = self.when_complete()
            made = paint.styled(self.pw, f"{activity}{text}", style)
        if made.plain != self._said:
            self._said = made.plain
            self.query_one("#missing", Static).update(made, layout=False)

    def when_complete(self) -> tuple[str, str]:
        """What to say when nothing is missing, and its style."""
        return "complete: F8 goes on", "good"

    def action_next(self) -> None:
        """Go on, or say why not."""
        missing = self.missing()
        if missing:
            self.tell(missing[0], bad=True)
            self.show_where(missing)
            return
        following = wizard.after(self.step_id)
        if following is not None:
            self.pw.go(following)

    def show_where(self, missing: tuple[str, ...]) -> None:
        """Lead the eye to what is missing."""

    def action_back(self) -> None:
        """To the step before, or home from the first."""
        self.pw.go_back(self.step_id)

    def action_help(self) -> None:
        """Explain the focused input and list the keys."""
        self.pw.show_help(self.help_text())

    def help_text(self) -> Text:
        """What to explain now."""
        return Text(wizard.step(self.step_id).heading)

    def tell(self, text: str, *, bad: bool = False) -> None:
        """A message that does not take the focus."""
        self.pw.tell(text, bad=bad)
