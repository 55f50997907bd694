"""Following a run on the command line: narrates on standard error, ends with the run, Ctrl-C only detaches."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.cli.diagnostics import say
from core.errors import AttachRefused, EndNotSeen, ExitCode, Interrupted, JournalError, PoolwrightError
from core.models.events import EventKind, RunEvent

if TYPE_CHECKING:
    from core.models.views import RunView
    from core.service import Service


def narrate(event: RunEvent) -> None:
    """One event as one line, with its UTC time."""
    where = f"{event.step}: " if event.step else ""
    what = (
        f"{event.state} "
        if event.kind in (EventKind.STEP_STATE, EventKind.RUN_STATE, EventKind.OUTCOME)
        else ""
    )
    say(f"{event.at:%H:%M:%S} {where}{what}{event.text}".rstrip())


@dataclass(slots=True)
class Heard:
    """What was heard last of a run: its step, and a command of it; "" when none was."""

    step: str = ""
    command: str = ""

    def take(self, event: RunEvent) -> None:
        """One more event."""
        if event.kind is EventKind.STEP_STATE:
            self.step, self.command = event.step, ""
        elif event.kind is EventKind.COMMAND:
            self.step, self.command = event.step or self.step, event.text


@contextmanager
def attached(service: Service, run: str, *, is_ours: bool = True) -> Iterator[Heard]:
    """Inside, a run has begun: no error of ours may say that nothing was changed. Raises EndNotSeen instead, with what
    the runner said last and what was heard of it.

    A run that was not begun here (`is_ours` False) may refuse to be followed, which is told as itself.
    """
    heard = Heard()
    try:
        yield heard
    except PoolwrightError as error:
        if isinstance(error, AttachRefused) and not is_ours:
            raise
        why, fix = service.last_words(run) if isinstance(error, JournalError) else ("", "")
        raise EndNotSeen(
            run,
            why or error.message,
            step=heard.step,
            command=heard.command,
            fix=fix or error.fix,
        ) from error


async def follow_to_end(service: Service, run: str, since: int = 0, heard: Heard | None = None) -> None:
    """Narrate until the run has ended; at a terminal, a question it asks may be answered by a word and Enter.

    `heard` keeps what came last (None: nobody asks for it).
    """
    typed = _Typed()
    answering = asyncio.create_task(_answer(service, run, typed), name=f"answers to {run}")
    try:
        async for event in service.follow(run, since):
            narrate(event)
            if heard is not None:
                heard.take(event)
            if event.kind is EventKind.QUESTION:
                typed.listen(tuple(event.data.get("answers", ())), run)
            elif event.kind is EventKind.ANSWER:
                typed.deafen()
    finally:
        typed.deafen()
        answering.cancel()
        with suppress(asyncio.CancelledError):
            await answering


async def _answer(service: Service, run: str, typed: _Typed) -> None:
    while True:
        word = await typed.words.get()
        try:
            say(await service.control(run, word))
        except PoolwrightError as error:
            say(str(error))


class _Typed:
    """Words typed at this terminal while a question is open; elsewhere nobody is listened to."""

    def __init__(self) -> None:
        self.words: asyncio.Queue[str] = asyncio.Queue()
        self._answers: tuple[str, ...] = ()

    def listen(self, answers: tuple[str, ...], run: str) -> None:
        """From now on, lines that are one of these answers count."""
        if not answers:
            return
        if not sys.stdin.isatty():
            say(f"answer with: poolwright control {run} {answers[0]}   # or: {', '.join(answers[1:])}")
            return
        say(f"Type {', '.join(answers[:-1])} or {answers[-1]}, then Enter:")
        self._answers = answers
        asyncio.get_running_loop().add_reader(sys.stdin, self._line)

    def deafen(self) -> None:
        """No more."""
        if self._answers:
            self._answers = ()
            asyncio.get_running_loop().remove_reader(sys.stdin)

    def _line(self) -> None:
        line = sys.stdin.readline()
        word = line.strip().lower()
        if word in self._answers:
            self.words.put_nowait(word)
        elif not line:  # the end of what can be typed
            self.deafen()
        else:
            say(f"it can be answered by: {', '.join(self._answers)}")


def begin(start: Awaitable[str]) -> tuple[str, bool]:
    """Start a run: its id, and whether Ctrl-C came meanwhile. Interrupted when it did before the order was out, or
    came again, so that nobody knows whether the run began."""
    sent: list[bool] = []
    try:
        return asyncio.run(begun(start, lambda: sent.append(True)))
    except KeyboardInterrupt:
        raise Interrupted(continues=None if sent else False) from None


async def begun(start: Awaitable[str], on_sent: Callable[[], None] = lambda: None) -> tuple[str, bool]:
    """The same in a loop; `on_sent` is called once a Ctrl-C no longer ends it: an order that is out has begun."""
    try:
        await asyncio.sleep(0)  # a Ctrl-C from before ends it here, with nothing begun
    except asyncio.CancelledError:
        if asyncio.iscoroutine(start):
            start.close()
        raise
    on_sent()
    starting = asyncio.ensure_future(start)
    try:
        return await asyncio.shield(starting), False
    except asyncio.CancelledError:
        return await starting, True  # a second Ctrl-C ends this too


def detached(service: Service, run: str, *, as_json: bool) -> ExitCode:
    """What to say when the operator leaves a run that goes on; the document's `continues` tells a script."""
    from core.cli.output import emit_json
    from core.reports.runs import run_document

    say(f"detached; the run goes on. Follow it again with: poolwright attach {run}")
    if as_json:
        document = {"schema": "poolwright.run/1", **run_document(service.show(run)), "continues": True}
        with reported():
            emit_json(document)
    return ExitCode.INTERRUPTED


@contextmanager
def reported() -> Iterator[None]:
    """A report that cannot be written is told, and changes nothing of how a run ended."""
    from core.cli.output import OutputError

    try:
        yield
    except (OutputError, BrokenPipeError) as error:
        say(f"the report is lost: {error}; `poolwright show RUN` prints it again")


def tell(service: Service, run: str, *, as_json: bool) -> ExitCode:
    """Show the run that was followed as it stands; returns its outcome's exit code, also when the report is lost."""
    from core.reports.runs import exit_code_of

    view = service.show(run)
    with reported():
        emit_run(view, as_json=as_json)
    return exit_code_of(view)


def emit_run(view: RunView, *, as_json: bool) -> None:
    """Print a run; OutputError when it cannot be written."""
    from core.cli.output import emit_json, emit_text
    from core.reports.runs import run_document
    from core.reports.text import run_text

    if as_json:
        emit_json({"schema": "poolwright.run/1", **run_document(view)})
    else:
        emit_text(run_text(view))


def follow_here(service: Service, run: str, heard: Heard, since: int = 0) -> bool:
    """Follow to the end; False when the operator pressed Ctrl-C (the run goes on)."""
    try:
        asyncio.run(follow_to_end(service, run, since, heard))
    except KeyboardInterrupt:
        return False
    return True
