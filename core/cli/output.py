"""The only place of the command line that writes to standard output: data, never narration."""

from __future__ import annotations

import errno
import json
import os
import sys
from typing import Any

from core.cli.diagnostics import discard
from core.errors import ExitCode, PoolwrightError
from core.masking import hidden, shown


class OutputError(PoolwrightError):
    """What was asked for cannot be written: the output is closed, or its disk is full."""

    code = "PW901"
    title = "the output cannot be written"
    exit_code = ExitCode.INTERNAL


def emit_json(document: Any) -> None:
    """One JSON document and a line end."""
    _write(_json(document, indent=2))


def emit_text(text: str) -> None:
    """Lines for people, as the answer to what they asked."""
    _write(shown(text.rstrip("\n")) + "\n")


def emit_line(document: Any) -> None:
    """One JSON document on a line of its own, at once."""
    _write(_json(document, separators=(",", ":")))


def _json(document: Any, **form: Any) -> str:
    """A document as lines, without secrets; what is no plain character (controls, bidi) stands as an escape."""
    text = json.dumps(hidden(document), ensure_ascii=not _is_unicode(), **form) + "\n"
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text)


def _encoding() -> str:
    return getattr(sys.stdout, "encoding", None) or "utf-8"


def _is_unicode() -> bool:
    """Can standard output say every character?"""
    return _encoding().lower().replace("-", "").startswith("utf")


def _write(text: str) -> None:
    """Write at once; a character that the output's encoding lacks becomes an escape.

    OutputError when it cannot be written (BrokenPipeError: nobody reads); what is left then goes nowhere, so that the
    exit is quiet.
    """
    encoding = _encoding()
    try:
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:
        discard(sys.stdout)
        raise
    except (OSError, ValueError) as error:  # ValueError: Python knows that it is closed
        discard(sys.stdout)
        number = getattr(error, "errno", None) or errno.EBADF
        why = "it is closed" if number == errno.EBADF else os.strerror(number).lower()
        raise OutputError(f"cannot write to standard output: {why}") from None
