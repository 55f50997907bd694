"""Passwords out of the environment: taken once at the start, before anything else runs, and held in memory alone.

What this holds: no program that we start inherits them, and /proc/PID/environ shows their names with nothing behind.
What it cannot: whoever may read this process before its first line, and root, see what the starter put there; the
starter's own environment (a shell's `export`) is the starter's.
"""

from __future__ import annotations

import ctypes
import os
import re

_PASSWORD = re.compile(r"POOLWRIGHT_([A-Z0-9_]+)_PASSWORD")
_held: dict[str, str] = {}


def variable(name: str) -> str:
    """The environment variable that gives this secret."""
    return f"POOLWRIGHT_{name.upper()}_PASSWORD"


def hold_secrets() -> None:
    """Move every password of the environment into memory; to be called before the first child is started."""
    for key in [key for key in os.environ if _PASSWORD.fullmatch(key)]:
        value = os.environ[key]
        _overwrite(key, value)
        del os.environ[key]
        if value:
            _held[key.removeprefix("POOLWRIGHT_").removesuffix("_PASSWORD").lower()] = value


def take_secrets() -> dict[str, str]:
    """What was held, by the secret's name, handed out once: whoever takes it keeps it."""
    hold_secrets()
    found = dict(_held)
    _held.clear()
    return found


def _overwrite(key: str, value: str) -> None:
    """Wipe the value where the kernel put it at the start: leaving the environment only forgets the place."""
    libc = ctypes.CDLL(None)
    libc.getenv.restype = ctypes.c_void_p
    address = libc.getenv(os.fsencode(key))
    if address:
        ctypes.memset(address, 0, len(os.fsencode(value)))
