"""The only place of the command line that writes to standard output, or to a file asked for: data, never narration."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
from pathlib import Path
from typing import Any


def emit_json(document: Any) -> None:
    """One JSON document and a line end."""
    _write(json.dumps(document, indent=2, ensure_ascii=False, default=str) + "\n")


def emit_text(text: str) -> None:
    """Lines for people, as the answer to what they asked."""
    _write(text.rstrip("\n") + "\n")


def emit_line(document: Any) -> None:
    """One JSON document on a line of its own, at once."""
    _write(json.dumps(document, ensure_ascii=False, default=str, separators=(",", ":")) + "\n")


def _write(text: str) -> None:
    """Write at once. OSError when it cannot be; what is left then goes nowhere, so that the exit is quiet."""
    if sys.stdout is None:
        raise OSError(errno.EBADF, "standard output is closed")
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError:
        with contextlib.suppress(OSError, ValueError):  # a stream that is no descriptor (tests)
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)
        raise


def write_file(path: Path, text: str) -> None:
    """A file for its owner only (0600), whole at once; SpecError when it cannot be written."""
    from core.errors import SpecError, SpecProblem
    from core.paths import write_private

    try:
        write_private(path, text)
    except OSError as error:
        raise SpecError([SpecProblem(str(path), f"cannot be written: {error.strerror or error}")]) from error
