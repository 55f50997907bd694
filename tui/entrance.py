"""What home offers: a new pool, the prepared one, saved answers, a spec file, a live run, the list of runs.

Imports core only when something is chosen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import ExitCode
from tui import borrow

if TYPE_CHECKING:
    from tui.answers import Answers
    from tui.app import PoolwrightApp


class Entrance:
    """The ways into the wizard."""

    def __init__(self, app: PoolwrightApp) -> None:
        self.app = app

    def menu(self) -> list[tuple[str, str]]:
        """What home offers now: (name, text)."""
        entries: list[tuple[str, str]] = []
        live = [run for run in self.app.runs if run.is_live]
        if self.app.spec is not None:
            entries.append(("ready", "Create the pool that was prepared for you"))
        entries += [
            (f"attach:{run.run}", f"Attach to the live run of {borrow.inert(run.pool, 40)}") for run in live
        ]
        if self.app.autosave_path is not None and self.app.autosave_path.exists():
            entries.append(("continue", "Continue where you left off"))
        entries += [("new", "New pool"), ("open", "Open a spec file")]
        entries.append(("runs", f"Runs ({len(self.app.runs)})" if self.app.runs else "Runs"))
        entries.append(("quit", "Quit"))
        return entries

    def choose(self, name: str) -> None:
        """An entry of home."""
        if name == "quit":
            self.app.exit(ExitCode.DONE)
        elif name == "open":
            self.app.ask("Path of the spec file:", self._open)
        elif name == "runs":
            self._list_runs()
        elif name.startswith("attach:"):
            self.attach(name.removeprefix("attach:"))
        elif name:
            self.begin(name)

    def begin(self, how: str) -> None:
        """Start the wizard: new, ready (the prepared spec) or continue (saved answers)."""
        from tui.answers import Answers

        answers: Answers | None = None
        if how == "ready" and self.app.spec is not None:
            answers = Answers(self.app.spec)
        elif how == "continue" and self.app.autosave_path is not None:
            answers = Answers.restore(self.app.autosave_path)
            if answers is None:
                self.app.tell("the saved answers cannot be read; start a new pool", bad=True)
                return
        self._begin(answers)

    def _begin(self, answers: Answers | None) -> None:
        from tui.session import Session

        self.app.session = Session(self.app.service(), answers, self.app.secrets)
        self.app.go("connect")

    def _open(self, path: str | None) -> None:
        from core.errors import PoolwrightError
        from tui.answers import Answers

        if not path:
            return
        try:
            spec = self.app.service().load(borrow.expanded(path))
        except PoolwrightError as error:
            self.app.tell(str(error), bad=True)
            return
        self._begin(Answers(spec.model_dump(mode="json", exclude_defaults=True)))

    def _list_runs(self) -> None:
        from tui.screens.runs import RunsScreen

        def chosen(run: str | None) -> None:
            if run:
                self.attach(run)

        _ = self.app.push_screen(RunsScreen(self.app.runs), chosen)

    def attach(self, run: str) -> None:
        """Follow a live run, or show how an ended one ended."""
        from core.errors import PoolwrightError
        from tui.session import Session

        try:
            view = self.app.service().show(run)
        except PoolwrightError as error:
            self.app.tell(str(error), bad=True)
            return
        session = Session(self.app.service(), None, self.app.secrets)
        has_ended = view.outcome is not None and not view.is_live
        session.run, session.run_has_ended = run, has_ended
        self.app.session = session
        self.app.go("done" if has_ended else "run")
