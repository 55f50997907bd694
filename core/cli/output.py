"""The only place of the command line that writes to standard output, or to a file asked for: data, never narration."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def emit_json(document: Any) -> None:
    """One JSON document and a line end."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def emit_text(text: str) -> None:
    """Lines for people, as the answer to what they asked."""
    sys.stdout.write(text.rstrip("\n") + "\n")
    sys.stdout.flush()


def emit_line(document: Any) -> None:
    """One JSON document on a line of its own, at once."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, default=str, separators=(",", ":")))
    sys.stdout.write("\n")
    sys.stdout.flush()


def write_file(path: Path, text: str) -> None:
    """A file for its owner only (0600), whole at once; SpecError when it cannot be written."""
    from core.errors import SpecError, SpecProblem
    from core.paths import write_private

    try:
        write_private(path, text)
    except OSError as error:
        raise SpecError([SpecProblem(str(path), f"cannot be written: {error.strerror or error}")]) from error
