"""The only place of the command line that writes to standard error: narration, errors, and their exit codes."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from core.errors import ExitCode, InputError, InternalError, Interrupted, PoolwrightError
from core.masking import shown


def say(text: str) -> None:
    """One line of narration; where it cannot be written it is lost, and nothing else: a run is still followed."""
    with contextlib.suppress(OSError, ValueError, AttributeError):  # full, gone, closed, or never there
        sys.stderr.write(shown(text.rstrip("\n")) + "\n")
        sys.stderr.flush()


def guarded(run: Callable[[], ExitCode], words: Sequence[str]) -> ExitCode:
    """The outermost guard of a program: the exit code of `run`, or of what it ended with, once that was told.

    `words` is the command line: it tells the wanted form, and stands in the report of a bug.
    """
    try:
        code = run()
    except BrokenPipeError:  # `| head` has seen enough
        code = ExitCode.PIPE
    except KeyboardInterrupt:
        code = _failed(Interrupted(), words)
    except PoolwrightError as error:
        code = _failed(error, words)
    except Exception as error:  # noqa: BLE001 - the outermost guard: no bug is a traceback on a screen
        code = _failed(_own(error, words), words)
    return _flushed(code)


def _own(error: Exception, words: Sequence[str]) -> PoolwrightError:
    try:
        from core import crash

        return crash.own(error, words)
    except Exception:  # noqa: BLE001 - not even a file of ours can be opened any more
        return InternalError(f"internal error: {type(error).__name__}; no report could be written")


def _failed(error: PoolwrightError, words: Sequence[str]) -> ExitCode:
    """Tell an error, as a document too where one was asked for."""
    from core.cli.output import OutputError, emit_json, emit_line

    with contextlib.suppress(OutputError, BrokenPipeError):  # the error itself is told below
        if "--json-lines" in words:
            emit_line(error_document(error))
        elif "--json" in words:
            emit_json(error_document(error))
    return fail(error)


def _flushed(code: ExitCode) -> ExitCode:
    """Write what is still on its way; what cannot be written goes nowhere: Python would end with a code of its own."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError) as error:
            discard(stream)
            if stream is sys.stdout and code == ExitCode.DONE:
                code = ExitCode.PIPE if isinstance(error, BrokenPipeError) else ExitCode.INTERNAL
                say(f"poolwright: cannot write to standard output: {getattr(error, 'strerror', error)}")
    return code


def discard(stream: Any) -> None:
    """From now on this stream leads nowhere."""
    with contextlib.suppress(OSError, ValueError):  # a stream that is no descriptor (tests)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def begin_program() -> None:
    """At the start of a program, never in tests: streams that can be used, and Python prints nothing by itself."""
    _open_streams()
    warnings.simplefilter("ignore")
    threading.excepthook = _of_thread
    sys.unraisablehook = lambda _args: None


def _of_thread(args: threading.ExceptHookArgs) -> None:
    if isinstance(args.exc_value, Exception):
        say(f"poolwright: {_own(args.exc_value, sys.argv[1:])}")


def _open_streams() -> None:
    """Give what was closed when the program began to /dev/null: the next file opened would get its number else.

    Reading it is an end of file, writing to it an error.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            handle = os.open(os.devnull, os.O_RDONLY)
            if handle != number:
                os.dup2(handle, number)
                os.close(handle)
            os.set_inheritable(number, True)
            setattr(
                sys, name, os.fdopen(number, mode, encoding="utf-8", errors="backslashreplace", closefd=False)
            )


def fail(error: PoolwrightError) -> ExitCode:
    """Show an error and return the exit code it leads to."""
    if error.exit_code is ExitCode.INTERNAL:  # one line
        say(f"poolwright: {error}")
        return error.exit_code
    say(f"poolwright: {error.title} ({error.code})")
    if isinstance(error, InputError):
        for problem in error.problems:
            say(f"  {problem}")
    else:
        say(f"  {error.message}")
        if error.fix:
            say(f"  to do: {error.fix}")
    return error.exit_code


def error_document(error: PoolwrightError) -> dict[str, Any]:
    """The same for `--json`: a script that reads standard output learns why there is no other document."""
    problems = error.problems if isinstance(error, InputError) else ()
    continues = {"continues": error.continues} if isinstance(error, Interrupted) else {}
    return {
        "schema": "poolwright.error/1",
        "code": error.code,
        "title": error.title,
        "message": error.message,
        "fix": error.fix,
        "exit_code": error.exit_code,
        "problems": [asdict(problem) for problem in problems],
        **continues,
    }
