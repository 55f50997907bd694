"""Logging: the standard library's, with one filter that makes every record inert and masks every known secret.

The filter sits on the handlers, so that records of libraries pass it too. Nothing is logged to a terminal.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import stat
import time
import traceback
from pathlib import Path

from typing_extensions import override

from core import masking
from core.secrets import Secrets

_RECORD_MAX = 8000
_ATTRIBUTES = frozenset(logging.makeLogRecord({}).__dict__)
_LIBRARIES = {
    "asyncssh": logging.WARNING,
    "asyncio": logging.WARNING,
}  # asyncssh tells of every channel at INFO


def guard(secrets: Secrets, *public: str) -> None:
    """From now on mask these secrets in all that this process logs or shows; see core.masking.guard."""
    masking.guard(secrets.values(), *public)


def safe(text: str, limit: int = _RECORD_MAX) -> str:
    """A text as it may stand in a log: guarded secrets masked, inert, one line a line."""
    return masking.foreign(text, limit)


class RedactingFilter(logging.Filter):
    """Rewrites each record in place: message, arguments, exception text and extras; never drops one."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001 - wrong arguments of a library's log call must not stop us
            message = str(record.msg)
        record.msg, record.args = safe(message), ()
        if record.exc_info and record.exc_info[0] is not None:
            record.exc_text = safe("".join(traceback.format_exception(*record.exc_info)))
            record.exc_info = None
        elif record.exc_text:
            record.exc_text = safe(record.exc_text)
        if record.stack_info:
            record.stack_info = safe(record.stack_info)
        for name, value in list(record.__dict__.items()):
            if name not in _ATTRIBUTES:
                record.__dict__[name] = safe(str(value))
        return True


def _begin(path: Path) -> None:
    """Make the file where it is missing; OSError when it cannot be written, or is no plain file."""
    flags = (
        os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK
    )  # a pipe would wait for its reader
    handle = os.open(path, flags, 0o600)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "it is no plain file")
    finally:
        os.close(handle)


def setup_logging(path: Path | None, *, level: str = "INFO") -> None:
    """Log to one file (created 0600), or nowhere when `path` is None. May be called again: the last call counts.

    Raises OSError when the file cannot be opened.
    """
    handler: logging.Handler
    if path is None:
        handler = logging.NullHandler()
    else:
        _begin(path)
        handler = logging.FileHandler(path, encoding="utf-8")
        formatter = logging.Formatter(
            "%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%S"
        )
        formatter.converter = time.gmtime
        handler.setFormatter(formatter)
    handler.addFilter(RedactingFilter())
    root = logging.getLogger()
    for old in list(root.handlers):
        if any(isinstance(each, RedactingFilter) for each in old.filters):
            root.removeHandler(old)
            with contextlib.suppress(OSError):
                old.close()
    root.addHandler(handler)
    root.setLevel(level)
    for name, least in _LIBRARIES.items():
        logging.getLogger(name).setLevel(least)
    logging.raiseExceptions = False  # a full disk must not print tracebacks over the screen
