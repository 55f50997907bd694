"""The application: themes, global keys, and the way between screens. Every screen owns its own business.

Imports Textual and nothing of core: the first paint waits for neither pydantic nor asyncssh.
"""

from __future__ import annotations

import gc
import importlib
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from rich.text import Text
from textual import events, on, work
from textual.actions import ActionParseResult
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widgets import Input
from textual.worker import WorkerFailed
from typing_extensions import override

from core.errors import ExitCode, PoolwrightError
from tui import borrow, keys, theme
from tui.backlog import LOOK_S, Backlog, terminal
from tui.entrance import Entrance
from tui.screens.home import HomeScreen
from tui.screens.quiet import QuietScreen
from tui.widgets.dialog import Ask, Copied, Help

if TYPE_CHECKING:
    from core.secrets import Secrets
    from core.service import RunView, Service
    from tui.reach import Reach
    from tui.screens.base import StepScreen
    from tui.session import Session

SCREENS: Mapping[str, str] = {
    "connect": "ConnectScreen", "pool": "PoolScreen", "servers": "ServersScreen", "storage": "StorageScreen",
    "compatibility": "CompatibilityScreen", "review": "ReviewScreen", "run": "RunScreen", "done": "DoneScreen",
}  # fmt: skip


class PoolwrightApp(App[int]):
    """The wizard on screens."""

    TITLE = "poolwright"
    CSS_PATH = ["app.tcss", "screens/base.tcss"]  # base: a screen with a file of its own does not inherit it
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+q,f10",
            "quit",
            "Quit",
            show=False,
            id="app.quit",
            tooltip="leave; a run goes on by itself, answers are kept",
        ),
        Binding("f12", "change_theme", "Theme", id="app.theme", show=False, tooltip="the next colour theme"),
        Binding(
            "ctrl+p,f11",
            "command_palette",
            "Palette",
            id="app.palette",
            show=False,
            tooltip="all commands, by name",
        ),
    ]

    def __init__(
        self,
        service: Callable[[], Service],
        *,
        spec: Mapping[str, Any] | None = None,
        secrets: Secrets | None = None,
        hints: Mapping[str, str] | None = None,
        autosave: Path | None = None,
        on_ready: Callable[[], object] | None = None,
    ) -> None:
        super().__init__()
        for each in theme.themes():
            self.register_theme(each)
        self.uses_ascii = os.environ.get("TERM", "").startswith("linux")
        self.theme = os.environ.get("POOLWRIGHT_THEME", "") if self._has_theme() else self._default_theme()
        self._make_service = service
        self._service: Service | None = None
        self._session: Session | None = None
        self.spec, self.secrets = spec, secrets
        self.entrance = Entrance(self)
        self._making = threading.Lock()
        self._on_ready = on_ready  # called once, when all of core is there
        self.hints = dict(hints or {})
        self.autosave_path = autosave
        self.runs: list[RunView] = []
        self.survives = ""  # how a run started here outlives the session, in words; empty: not known yet
        self.survival_warnings: tuple[str, ...] = ()
        self.backlog = Backlog(self, terminal())
        self.refused: PoolwrightError | None = None  # settings that nothing can start with
        self.own_keys: dict[str, str] = {}  # what the operator bound anew: binding id -> keys
        self.operator = borrow.operator()
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def _has_theme(self) -> bool:
        return os.environ.get("POOLWRIGHT_THEME", "") in self.available_themes

    @staticmethod
    def _default_theme() -> str:
        poor = os.environ.get("TERM", "") in (
            "linux",
            "screen",
            "xterm",
            "xterm-16color",
        ) and not os.environ.get("COLORTERM")
        return "poolwright-ansi" if poor else theme.DEFAULT

    @property
    def is_mono(self) -> bool:
        """Is there no colour (NO_COLOR)?"""
        return self.no_color

    @override
    def get_theme_variable_defaults(self) -> dict[str, str]:
        return {**super().get_theme_variable_defaults(), **theme.variables(theme.DARK)}

    def on_mount(self) -> None:
        """Home first; core is imported after it was painted."""
        _ = self.push_screen(HomeScreen())
        self.call_after_refresh(self.look_at_runs)
        self.set_interval(LOOK_S, lambda: self.backlog.look())

    # -- service and session

    @property
    def session(self) -> Session:
        """The session of this wizard; exists once a screen of it was opened."""
        assert self._session is not None  # noqa: S101 - screens of the wizard open through `begin` only
        return self._session

    @session.setter
    def session(self, session: Session) -> None:
        self._session = session

    @property
    def has_session(self) -> bool:
        """Was a screen of the wizard opened?"""
        return self._session is not None

    def service(self) -> Service:
        """The service, made when first needed."""
        with self._making:  # the list of runs is fetched by a thread
            if self._service is None:
                self._service = self._make_service()
            return self._service

    @work(thread=True, group="runs", exclusive=True)
    def look_at_runs(self) -> None:
        """Import core and list the runs, beside the screen."""
        try:
            service = self.service()
        except PoolwrightError as error:  # settings that cannot be used: nothing starts with half of them
            self.call_from_thread(self._refuse, error)
            return
        try:
            runs = service.runs()
            if not self.survives:
                found = service.survival()
                self.survives = theme.SURVIVES[found.survives]
                self.survival_warnings = found.warnings
        except (PoolwrightError, OSError) as error:
            self.call_from_thread(self.tell, f"cannot list the runs: {error}", bad=True)
            return
        self.call_from_thread(self._take_runs, runs, service.paths.root / "wizard.json")

    def _refuse(self, error: PoolwrightError) -> None:
        """Leave with bad input, told once the terminal is given back."""
        self.refused = error
        self.exit(ExitCode.BAD_INPUT)

    def _take_runs(self, runs: Sequence[RunView], autosave: Path) -> None:
        self.runs = list(runs)
        if self._on_ready is not None:
            self._on_ready()
            self._on_ready = None
        keys.take(self, self.service().settings.keys)
        self.autosave_path = self.autosave_path or autosave
        if isinstance(self.screen, HomeScreen):
            self.screen.show_menu()
        else:
            from tui.screens.runs import RunsScreen

            for screen in self.screen_stack:
                if isinstance(screen, RunsScreen) and screen.is_mounted:
                    screen.take(runs)

    # -- what is typed and clicked

    def catch_up(self) -> None:
        """Draw what is pending on every screen that is to be seen; an idle one repaints nothing for it."""
        for screen in self.screen_stack:
            if isinstance(screen, QuietScreen):
                screen.catch_up()

    @override
    async def on_event(self, event: events.Event) -> None:
        """What is pending is drawn before a key, a click or a paste goes to its widget."""
        is_new = isinstance(event, (events.Key, events.MouseDown, events.MouseUp, events.Paste))
        if is_new and not event.is_forwarded:
            self.catch_up()
        await super().on_event(event)

    @override
    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """What changed while a key was on its way is drawn before its action runs."""
        self.catch_up()
        return await super().run_action(action, default_namespace, namespaces)

    # -- between screens

    def go(self, step_id: str) -> None:
        """Show a step: the first lies over home, the others take its place."""
        from tui import wizard

        if not wizard.is_open(step_id, self.session):
            self.tell("not yet: a run must be started on the review first", bad=True)
            return
        module = importlib.import_module(f"tui.screens.{step_id}")
        screen = cast("StepScreen", getattr(module, SCREENS[step_id])())
        self.autosave()
        _ = self.push_screen(screen) if isinstance(self.screen, HomeScreen) else self.switch_screen(screen)

    def go_back(self, step_id: str) -> None:
        """To the step before; from the first one, home."""
        from tui import wizard

        previous = wizard.before(step_id)
        if previous is None:
            self.leave_run()
        else:
            self.go(previous)

    def leave_run(self) -> None:
        """Home again; what runs, runs on."""
        self.autosave()
        session = self._session
        if session is not None and session.run and not session.run_has_ended:
            self.tell(
                f"the run goes on by itself; attach from here, or with: poolwright attach {session.run}"
            )
        if not isinstance(self.screen, HomeScreen):
            _ = self.pop_screen()
        self.look_at_runs()

    def confirm_trust(self, then: Callable[[], object]) -> None:
        """Show all identities; go on when they were confirmed."""
        from tui.screens.trust import TrustScreen

        def answered(confirmed: bool | None) -> None:
            if confirmed:
                self.start_check()
                then()

        _ = self.push_screen(TrustScreen(), answered)

    # -- background

    def start_check(
        self, only: Sequence[str] | None = None, *, checks: Sequence[str] | None = None, force: bool = False
    ) -> None:
        """Look at the servers beside the screen: what an edit touches, or what was asked for."""
        session = self.session
        if session.run:
            return
        why = session.why_no_check()
        if why:
            if force:
                self.tell(f"cannot check yet: {why}")
            return
        if force or not session.is_current:
            reach = session.reach(only, checks) if force else session.reach_of_edit()
            session.announce_check()
            self._check(session, reach)

    @work(group="check", exclusive=True)
    async def _check(self, session: Session, reach: Reach) -> None:
        await session.check(reach)

    def autosave(self) -> None:
        """Keep the answers (never secrets)."""
        if self._session is None or self.autosave_path is None or self._session.run:
            return
        try:
            self._session.answers.save(self.autosave_path)
        except OSError as error:
            self.tell(f"answers cannot be saved: {error.strerror or error}", bad=True)

    @override
    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """The palette: where to go, and everything this screen can do."""
        return keys.commands(self, screen)

    @on(CommandPalette.Opened)
    def _palette_opened(self) -> None:
        for each in self.screen.query(Input):
            each.cursor_blink = False

    @override
    def _handle_exception(self, error: Exception) -> None:
        """A bug ends the app and prints nothing here: `run_wizard` raises it once the terminal is given back."""
        self._return_code = 1
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self._close_messages_no_wait()

    @property
    def bug(self) -> Exception | None:
        """What ended the app, None when it was left."""
        error = self._exception
        if isinstance(error, WorkerFailed) and isinstance(error.error, Exception):
            return error.error
        return error

    # -- small things

    def tell(self, text: str, *, bad: bool = False) -> None:
        """A message that does not take the focus."""
        self.notify(
            borrow.inert(text, 600), severity="error" if bad else "information", markup=False, timeout=6
        )

    def ask(self, text: str, then: Callable[[str | None], None], value: str = "") -> None:
        """Ask for one line."""
        _ = self.push_screen(Ask(text, value), then)

    def copy(self, text: str) -> None:
        """Put text on the clipboard (OSC 52), and show it as plain lines for terminals that do not take it."""
        self.copy_to_clipboard(text)
        _ = self.push_screen(Copied(text))

    def show_text(self, text: Text) -> None:
        """A text in full, over the screen, scrolling."""
        _ = self.push_screen(Help(text, ()))

    def show_help(self, about: Text) -> None:
        """Help for where the operator is, with the keys that work there."""
        shown: dict[str, list[str]] = {}
        for each in self.screen.active_bindings.values():
            if each.enabled and each.binding.description and each.binding.id:
                words = each.binding.tooltip or each.binding.description
                shown.setdefault(words, []).append(keys.name_of(each.binding.key))
        _ = self.push_screen(Help(about, [(", ".join(names), words) for words, names in shown.items()]))

    @override
    def action_change_theme(self) -> None:
        """The next of our themes."""
        names = list(theme.PALETTES)
        index = names.index(self.theme) + 1 if self.theme in names else 0
        self.theme = names[index % len(names)]
        if self._session is not None:
            self._session.touch()


def run_wizard(
    service: Callable[[], Service],
    *,
    spec: Mapping[str, Any] | None = None,
    secrets: Secrets | None = None,
    hints: Mapping[str, str] | None = None,
    autosave: Path | None = None,
) -> ExitCode:
    """Open the wizard on screens and return the exit code.

    Raises SettingsError for settings that cannot be used, or what a bug raised, once the terminal is given back.
    """
    app = PoolwrightApp(
        service,
        spec=spec,
        secrets=secrets,
        hints=hints,
        autosave=autosave,
        on_ready=gc.freeze,  # what was imported stays: sweeping it too would stop the screen for 0.2 s now and then
    )
    left = app.run()
    if app.refused is not None:
        raise app.refused
    if app.bug is not None:
        raise app.bug
    return ExitCode(left or app.return_code or 0)
