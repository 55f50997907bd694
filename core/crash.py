"""What no part of the program expected ends in one line and a report file, never in a traceback on a screen.

A report is for whoever mends the program: version, command line, traceback; every known secret masked, no local
variable, mode 0600. It goes to the state folder or, where that cannot be written, to the folder for temporary files.
"""

from __future__ import annotations

import contextlib
import errno
import os
import platform
import resource
import shlex
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from core.errors import InternalError, PoolwrightError
from core.log import safe

REPORT_MAX = 256 * 1024  # characters
_LINE_MAX = 400


def own(error: BaseException, words: Sequence[str]) -> PoolwrightError:
    """The error as an operator is told it: ours as it is (also out of a group), everything else with a report."""
    leaves = list(_leaves(error))
    ours = [leaf for leaf in leaves if isinstance(leaf, PoolwrightError)]
    if len(ours) == len(leaves):
        return ours[0]
    strange = next(leaf for leaf in leaves if not isinstance(leaf, PoolwrightError))
    report = write_report(error, words)
    told = f"the report is in {report}" if report else "no report could be written"
    return InternalError(f"internal error: {_what(strange)}; {told}")


def write_report(error: BaseException, words: Sequence[str]) -> str:
    """Write the report and return its path, "" where nothing can be written."""
    text = safe(f"{_head(words)}\n{_traceback(error)}", REPORT_MAX)
    for folder in (_state_folder, _temporary_folder):
        with contextlib.suppress(Exception):
            return _write(folder(words), text)
    return ""


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


def _what(error: BaseException) -> str:
    """The error in one masked line, with the place in our program; limits of the machine in words."""
    if isinstance(error, MemoryError):
        return "out of memory"
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        return f"no file can be opened any more (limit of this process: {most}); raise it: ulimit -n 4096"
    where = ""
    for frame in traceback.extract_tb(error.__traceback__):
        if "/core/" in frame.filename or "/tui/" in frame.filename:
            where = f" ({Path(frame.filename).name}:{frame.lineno})"
    try:
        said = str(error)
    except Exception:  # noqa: BLE001 - an exception whose own text fails
        said = "(it cannot be told)"
    text = " ".join(safe(f"{type(error).__name__}: {said}", _LINE_MAX).split())
    return f"{text}{where}"


def _head(words: Sequence[str]) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        number = version("poolwright")
    except PackageNotFoundError:
        number = "unknown"
    return (
        f"poolwright {number}, Python {platform.python_version()}, {platform.system()} {platform.release()}\n"
        f"at {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}\n"
        f"command: poolwright {shlex.join(words)}\n"
    )


def _traceback(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(error))
    except Exception as broken:  # noqa: BLE001 - an exception whose own text fails
        frames = "".join(traceback.format_tb(error.__traceback__))
        return f"{frames}{type(error).__name__} (its text fails: {type(broken).__name__})\n"


def _state_folder(words: Sequence[str]) -> Path:
    from core.paths import StatePaths, state_root

    return state_root(StatePaths.of(_named(words)).root)


def _named(words: Sequence[str]) -> Path | None:
    """The state folder that the command line or the environment names; None: the operator's own."""
    name = os.environ.get("POOLWRIGHT_STATE_DIR", "")
    for index, word in enumerate(words):
        if word == "--state-dir":
            name = "".join(words[index + 1 : index + 2])
        elif word.startswith("--state-dir="):
            name = word.partition("=")[2]
    return Path(name) if name else None


def _temporary_folder(_words: Sequence[str]) -> Path:
    return Path(tempfile.gettempdir())


def _write(folder: Path, text: str) -> str:
    """A new file of mode 0600 (mkstemp makes it so)."""
    prefix = f"poolwright-crash-{datetime.now(UTC):%y%m%d-%H%M%S}-"
    handle, name = tempfile.mkstemp(prefix=prefix, suffix=".txt", dir=folder)
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
    return name
