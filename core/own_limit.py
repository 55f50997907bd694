"""No file handle is left on this machine: told as our own limit, and nobody is judged by what could not be opened.

Whoever meets it deep inside a look notes it here; the look as a whole then ends with one error.
"""

from __future__ import annotations

import errno
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from core.errors import OwnLimit

NEED, NEED_PER_SERVER = 32, 6  # handles: ourselves with all libraries, and connections to one server at once
FIX = "raise the limit (ulimit -n 4096) and try again"

_met: ContextVar[list[bool] | None] = ContextVar("own_limit_met", default=None)


def has_run_out(error: BaseException) -> bool:
    """Whether this error, one it came from or one in its group says that no handle is left."""
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
        return True
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    causes = [each for each in (error.__cause__, *inner) if each is not None]
    return any(has_run_out(each) for each in causes)


def reason() -> str:
    """Why somebody was not asked, in words."""
    return f"this machine has no file handle left (limit of this program: {limit()}); it was not asked"


def limit() -> int:
    """How many handles this process may hold at once."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def note() -> None:
    """No handle was left: the look that this belongs to, if any, is not to be judged by."""
    if (met := _met.get()) is not None:
        met.append(True)


def is_met() -> bool:
    """Whether no handle was left so far in the look that runs now."""
    return bool(_met.get())


@contextmanager
def told(servers: int) -> Iterator[None]:
    """Raise OwnLimit instead of all else where no handle was left within; `servers`: how many are looked at."""
    met: list[bool] = []
    token = _met.set(met)
    try:
        yield
    except Exception as error:
        if met or has_run_out(error):
            raise _error(servers) from error
        raise
    finally:
        _met.reset(token)
    if met:
        raise _error(servers)


def need(servers: int) -> int:
    """How many handles a look at this many servers takes, with room."""
    return NEED + NEED_PER_SERVER * servers


def _error(servers: int) -> OwnLimit:
    needed = need(servers)
    return OwnLimit(
        f"cannot look at the servers: this machine's limit of open files is {limit()}, and no file handle is left; "
        "no server was judged",
        fix=f"raise it: ulimit -n {max(4096, needed)} (poolwright needs {needed} for {servers} server(s)), then try "
        "again",
    )
