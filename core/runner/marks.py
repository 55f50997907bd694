"""Whether a password typed for a resume or a rollback is the one its run was started with, without keeping it.

An owned server takes no password, so that a wrong one would show only after the first release. The journal therefore
holds a mark of each: twelve bits of a keyed digest. Its key stays in the state folder, so that a journal that is handed
on tells nothing; with the key, a mark still tells no more than which of 4,096 heaps a password lies in. A slip of the
fingers passes once in 4,096 times.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from contextlib import suppress
from pathlib import Path

from pydantic import Field

from core.models.base import Frozen
from core.paths import StatePaths, state_root, write_private
from core.secrets import Secrets

_KEY_BYTES = 32
_HEAPS = 4096


class Marks(Frozen):
    """What a journal holds of its run's secrets."""

    key: str = ""  # which key they were made with
    heaps: dict[str, int] = Field(default={})  # by the secret's name


def marks_of(paths: StatePaths, secrets: Secrets) -> Marks:
    """A mark of every secret. Makes folder and key where there are none; PathsError when the folder cannot be used."""
    state_root(paths.root)
    key = _key(paths.marks_key) or _new_key(paths.marks_key)
    heaps = {name: _heap(key, name, secrets.get(name) or "") for name in secrets.names()}
    return Marks(key=_name(key), heaps=heaps)


def is_same(paths: StatePaths, marks: Marks, name: str, secrets: Secrets) -> bool | None:
    """Whether this secret is the one that was marked; None when nobody can tell (no mark, another key)."""
    key = _key(paths.marks_key)
    if not key or marks.key != _name(key) or name not in marks.heaps:
        return None
    return marks.heaps[name] == _heap(key, name, secrets.get(name) or "")


def _heap(key: bytes, name: str, value: str) -> int:
    text = f"{name}\0{value}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hmac.digest(key, text, hashlib.sha256)) % _HEAPS


def _name(key: bytes) -> str:
    return hmac.digest(key, b"name of this key", hashlib.sha256).hex()[:16]


def _key(path: Path) -> bytes:
    """The key, empty when there is none that can be used."""
    try:
        with path.open("rb") as file:
            key = file.read(_KEY_BYTES + 1)
    except OSError:
        return b""
    return key if len(key) == _KEY_BYTES else b""


def _new_key(path: Path) -> bytes:
    """A key that is there for good once this returns; of two runs that make one at once, both use the first.

    Where none can be written (a full disk) the marks of this run tell nothing later, and the run is not stopped.
    """
    key = os.urandom(_KEY_BYTES)
    own = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(OSError):
        write_private(own, key)
        try:
            os.link(own, path)
        finally:
            own.unlink()
    return _key(path) or key
