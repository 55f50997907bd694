"""Read a file that somebody named to us: whatever it is, the answer is its content or one clear reason, and it ends.

Nothing here waits without a limit (a pipe that nobody writes to), reads without a limit (a device, a huge file), or
goes deeper than honest data does (a document of a million brackets).
"""

from __future__ import annotations

import errno
import json
import os
import re
import select
import stat
import time
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from core import own_limit
from core.errors import ExitCode, PoolwrightError
from core.text import inert

PIPE_WAIT_S = 10.0  # a command behind <(...) or | may take a while until it writes
DEPTH_MAX = 100  # of lists and tables inside each other; our own documents stay below 20
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_LONG_KEY = re.compile(
    rf"(?:\.[^.,=\n\[\]{{}}#]*){{{DEPTH_MAX + 1}}}"
)  # a.b.c...: tomllib needs its square in memory


class FileError(PoolwrightError):
    """A file cannot be read, or holds something else than it should; `path` and `why` say it apart."""

    code = "PW130"
    title = "a file cannot be used"
    exit_code = ExitCode.BAD_INPUT

    def __init__(self, path: Path | str, why: str, *, fix: str = "", is_missing: bool = False) -> None:
        self.is_missing = is_missing  # there is nothing of this name
        self.path, self.why = inert(str(path), 400), why
        super().__init__(f"cannot read {self.path}: {why}", fix=fix)


def read_bytes(path: Path, max_bytes: int) -> bytes:
    """The content of a regular file or a pipe, at most `max_bytes`; FileError for everything else.

    A pipe is waited for PIPE_WAIT_S seconds at a time. /dev/null counts as an empty file.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        if own_limit.has_run_out(error):
            own_limit.note()
        raise FileError(path, _why(error), is_missing=isinstance(error, FileNotFoundError)) from None
    try:
        return read_handle(path, handle, max_bytes)
    finally:
        os.close(handle)


def read_handle(path: Path, handle: int, max_bytes: int) -> bytes:
    """The same for what was opened already, with O_NONBLOCK; `path` is for the error."""
    try:
        status = os.fstat(handle)
        if stat.S_ISDIR(status.st_mode):
            raise FileError(path, "it is a folder, not a file")
        if stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
            if _is_null(status):
                return b""
            raise FileError(path, "it is a device, not a file")
        if stat.S_ISREG(status.st_mode) and status.st_size > max_bytes:
            raise too_large(path, max_bytes)
        return _content(path, handle, max_bytes, is_pipe=not stat.S_ISREG(status.st_mode))
    except OSError as error:
        raise FileError(path, _why(error)) from None


def too_large(path: Path | str, max_bytes: int) -> FileError:
    """The error for a file over its limit."""
    size = f"{max_bytes // 2**20} MiB" if max_bytes >= 2**20 else f"{max_bytes // 2**10} KiB"
    return FileError(path, f"it is larger than {size}")


def _content(path: Path, handle: int, max_bytes: int, *, is_pipe: bool) -> bytes:
    pieces: list[bytes] = []
    left = max_bytes + 1
    while left > 0:
        if is_pipe and not _has_more(handle):
            raise FileError(path, f"it is a pipe, and nobody wrote to it within {PIPE_WAIT_S:g} s")
        try:
            piece = os.read(handle, min(left, 1 << 20))
        except BlockingIOError:  # somebody else took it, or a file of the kernel's that behaves like a pipe
            is_pipe = True
            continue
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)
        left -= len(piece)
    raise too_large(path, max_bytes)


def _has_more(handle: int) -> bool:
    """Can this pipe be read, or has its last writer gone? Waits within the limit."""
    ready = select.poll()
    ready.register(handle, select.POLLIN)
    end = time.monotonic() + PIPE_WAIT_S
    while True:
        if ready.poll(max(0, (end - time.monotonic()) * 1000)):
            return True
        if time.monotonic() >= end:
            return False


def _is_null(status: os.stat_result) -> bool:
    try:
        return stat.S_ISCHR(status.st_mode) and status.st_rdev == Path(os.devnull).stat().st_rdev
    except OSError:
        return False


def _why(error: OSError | ValueError) -> str:
    """Why a file could not be opened or read, in words of ours where the system's need reading twice."""
    if not isinstance(error, OSError):
        return "its name cannot be used"  # a NUL in it, or a character that no file name holds
    match error.errno:
        case errno.ENOENT:
            return "there is no such file"
        case errno.ENXIO:
            return "it is a socket or a device, not a file"
        case errno.EACCES | errno.EPERM:
            return "no right to read it"
        case errno.EMFILE | errno.ENFILE:
            return "this process has too many open files (raise the limit: ulimit -n 4096)"
        case _:
            return (error.strerror or type(error).__name__).lower()


def read_text(path: Path, max_bytes: int) -> str:
    """The same as text: UTF-8, a byte order mark at its beginning left out."""
    return decoded(path, read_bytes(path, max_bytes))


def decoded(path: Path | str, data: bytes, errors: str = "strict") -> str:
    """Bytes that came from a file as UTF-8 text without its byte order mark; FileError names the line that is none.

    `errors`: "replace" lets single characters of another encoding pass (comments of files that others write).
    """
    if data.startswith(_UTF16):
        raise FileError(path, "it is UTF-16 text", fix="save it as UTF-8")
    try:
        text = data.decode("utf-8-sig", errors)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FileError(path, f"it is not UTF-8 text (line {line})", fix="save it as UTF-8") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise FileError(path, f"it is no text: line {line} holds a NUL byte")
    return text


def read_json(path: Path, max_bytes: int) -> Any:
    """A JSON file; FileError names the line where it is none."""
    return json_of(read_text(path, max_bytes), path)


def json_of(text: str, path: Path | str) -> Any:
    """Text of a file as JSON of honest depth; FileError names the line where it is none."""
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        where = (
            "it is empty" if not text.strip() else f"it is no JSON: line {error.lineno}: {error.msg.lower()}"
        )
        raise FileError(path, where) from None
    except ValueError:  # a number of more digits than Python reads
        raise FileError(path, "it is no JSON of ours: one of its numbers is too long") from None
    except RecursionError:
        raise too_deep(path) from None
    if is_deeper(data):
        raise too_deep(path)
    return data


def read_toml(path: Path, max_bytes: int) -> dict[str, Any]:
    """A TOML file; FileError names the line where it is none."""
    return toml_of(read_text(path, max_bytes), path)


def toml_of(text: str, path: Path | str) -> dict[str, Any]:
    """Text of a file as TOML of honest depth; FileError names the line where it is none."""
    if _LONG_KEY.search(text):
        raise too_deep(path)
    try:
        data = tomllib.loads(text)
    except RecursionError:
        raise too_deep(path) from None
    except ValueError as error:
        raise FileError(path, f"it is no TOML: {str(error).lower()}") from None
    if is_deeper(data):
        raise too_deep(path)
    return data


def too_deep(path: Path | str) -> FileError:
    """The error for lists and tables inside each other without end."""
    return FileError(path, f"its data is nested deeper than {DEPTH_MAX} levels")


def is_deeper(data: Any, depth_max: int = DEPTH_MAX) -> bool:
    """Are lists and tables nested deeper than this? Goes through the levels, never into them."""
    level: list[Any] = [data]
    for _ in range(depth_max + 1):
        level = [inner for each in level for inner in _inside(each)]
        if not level:
            return False
    return True


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
