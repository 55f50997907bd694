"""Make a process keep secrets (front ends and runner: not dumpable, no core file) and outlive its session (runner)."""

from __future__ import annotations

import ctypes
import os
import resource
from collections.abc import Mapping

_PR_SET_DUMPABLE = 4  # prctl(2)
_KEPT = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LANGUAGE",
    "TZ",
    "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
)


def clean_environment(environ: Mapping[str, str], package_root: str) -> dict[str, str]:
    """What a runner may know of its starter's environment: an allow-list, so that no password variable passes."""
    kept = {name: value for name, value in environ.items() if name in _KEPT or name.startswith("LC_")}
    path = {"PYTHONPATH": package_root} if package_root else {}
    return {"PATH": os.defpath, **kept, **path}


def protect() -> None:
    """No core file; no ptrace, /proc/PID/mem and /proc/PID/environ for anybody but root. Before the first secret."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "cannot make this process undumpable")


def keep_files_private() -> None:
    """Everything this process makes from now on is 0600."""
    os.umask(0o077)


def detach() -> None:
    """Leave the starter's session and parent: a hang-up of its terminal does not reach us, nobody waits for us."""
    if os.fork() > 0:
        os._exit(0)
    os.setsid()
    if os.fork() > 0:  # no session leader: can never get a terminal again
        os._exit(0)
    os.chdir("/")


def silence() -> None:
    """Let go of the starter's pipes: stdin, stdout and stderr lead nowhere."""
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.close(null)
