"""The only place of the command line that writes to standard output: data, never narration."""

from __future__ import annotations

import errno
import json
import os
import sys
from typing import Any

from core.cli.diagnostics import discard
from core.errors import ExitCode, PoolwrightError


class OutputError(PoolwrightError):
    """What was asked for cannot be written: the output is closed, or its disk is full."""

    code = "PW901"
    title = "the output cannot be written"
    exit_code = ExitCode.INTERNAL


def emit_json(document: Any) -> None:
    """One JSON document and a line end."""
    _write(json.dumps(document, indent=2, ensure_ascii=not _is_unicode(), default=str) + "\n")


def emit_text(text: str) -> None:
    """Lines for people, as the answer to what they asked."""
    _write(text.rstrip("\n") + "\n")


def emit_line(document: Any) -> None:
    """One JSON document on a line of its own, at once."""
    ascii_only = not _is_unicode()
    _write(json.dumps(document, ensure_ascii=ascii_only, default=str, separators=(",", ":")) + "\n")


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
