"""The only place of the command line that writes to standard error: narration, errors, and their exit codes."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import asdict
from typing import Any

from core.errors import ExitCode, Interrupted, PoolwrightError, SpecError


def say(text: str) -> None:
    """One line of narration; where it cannot be written it is lost, and nothing else: a run is still followed."""
    with contextlib.suppress(OSError, ValueError, AttributeError):  # full, gone, closed, or never there
        sys.stderr.write(text.rstrip("\n") + "\n")
        sys.stderr.flush()


def fail(error: PoolwrightError) -> ExitCode:
    """Show an error and return the exit code it leads to."""
    say(f"poolwright: {error.title} ({error.code})")
    if isinstance(error, SpecError):
        for problem in error.problems:
            say(f"  {problem}")
    else:
        say(f"  {error.message}")
        if error.fix:
            say(f"  to do: {error.fix}")
    return error.exit_code


def error_document(error: PoolwrightError) -> dict[str, Any]:
    """The same for `--json`: a script that reads standard output learns why there is no other document."""
    problems = error.problems if isinstance(error, SpecError) else ()
    continues = {"continues": False} if isinstance(error, Interrupted) else {}  # no run was left behind
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
