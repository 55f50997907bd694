"""Home: what can be done here. Painted before anything of core is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option
from typing_extensions import override

from tui.screens.quiet import QuietScreen
from tui.widgets.key_bar import KeyBar, own_keys

if TYPE_CHECKING:
    from tui.app import PoolwrightApp

INTRO = (
    "poolwright makes server pools, and proves first that they will work.\n"
    "Nothing is changed before you have seen the plan and typed the pool's name."
)


class HomeScreen(QuietScreen[None]):
    """The first screen."""

    CSS_PATH = "home.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "choose('new')", "New pool", id="home.new"),
        Binding("o", "choose('open')", "Open spec", id="home.open"),
        Binding("r", "choose('runs')", "Runs", id="home.runs"),
        Binding("f1,question_mark", "help", "Help", id="wizard.help"),
        Binding("q", "app.quit", "Quit", id="app.quit_q"),
    ]

    @property
    def pw(self) -> PoolwrightApp:
        """The app, by its type."""
        return cast("PoolwrightApp", self.app)

    @override
    def compose(self) -> ComposeResult:
        yield Static("poolwright", id="heading", markup=False)
        yield Static(INTRO, id="intro", markup=False)
        yield OptionList(id="menu", markup=False)
        yield Static("", id="hints", markup=False)
        yield KeyBar(own_keys(self))

    def on_mount(self) -> None:
        """Fill the menu with what is known without core; the rest follows."""
        self.show_menu()
        self.query_one(OptionList).focus()
        hints = Text("\n").join(
            Text(f"{title}: ", style="bold").append(text) for title, text in self.pw.hints.items()
        )
        self.query_one("#hints", Static).update(hints)

    def show_menu(self) -> None:
        """The menu as far as it is known now. An entry that was moved to stays under the cursor; at the top the most
        likely one does."""
        if not self.query(OptionList):
            return  # on the way out already
        menu = self.query_one(OptionList)
        kept = menu.highlighted_option.id if menu.highlighted and menu.highlighted_option else None
        entries = self.pw.entrance.menu()
        menu.clear_options()
        menu.add_options([Option(text, id=name) for name, text in entries])
        menu.highlighted = next((row for row, (name, _text) in enumerate(entries) if name == kept), 0)

    def on_screen_resume(self) -> None:
        """Runs may have been added meanwhile."""
        self.pw.look_at_runs()

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_choose(event.option.id or "")

    def action_choose(self, name: str) -> None:
        """Do what was chosen."""
        self.pw.entrance.choose(name)

    def action_help(self) -> None:
        """What the entries mean."""
        self.pw.show_help(
            Text(INTRO + "\n\nEvery screen shows its keys at the bottom. F8 goes on, F7 or Esc goes back.")
        )
