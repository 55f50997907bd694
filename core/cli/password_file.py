"""The password file: who may have written it, how large it may be, and what stands in it. Never shows a secret.

Lines are `name: secret`; empty lines and lines that begin with # say nothing. A pipe of ours (`<(pass show ...)`) is
read like a file. What is judged is what was opened, so that nothing can be exchanged in between.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Collection
from pathlib import Path
from typing import NoReturn

from core import files
from core.errors import SecretError
from core.files import FileError
from core.text import nearest

MAX_BYTES = 64 * 1024
_ROOT = 0


def read_password_file(path: Path, names: Collection[str]) -> dict[str, str]:
    """The secrets of a file that only its owner can read; `names` are those that exist.

    SecretError says what is wrong and in which line, never a secret.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(_text(path).split("\n"), 1):
        line = line.removesuffix("\r")
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, colon, value = line.partition(":")
        name = name.strip()
        if not colon or not name.isidentifier():
            _refuse(path, f"line {number} is not `name: secret`", f"names are {', '.join(names)}")
        if name not in names:
            _refuse(path, f"line {number}: there is no secret {name[:40]!r}", nearest(name, names))
        if name in found:
            _refuse(path, f"line {number} gives the {name} secret a second time", "keep one of the lines")
        found[name] = value.removeprefix(" ")
    return found


def _text(path: Path) -> str:
    try:
        handle = _open(path)
        try:
            _judge(path, os.fstat(handle))
            return files.decoded(path, files.read_handle(path, handle, MAX_BYTES))
        finally:
            os.close(handle)
    except OSError as error:
        why = (error.strerror or str(error)).replace("Too many levels of", "too many")
        raise SecretError(f"cannot read {path}: {why}") from None
    except FileError as error:
        raise SecretError(error.message, fix=error.fix) from None


def _open(path: Path) -> int:
    """A handle; a symbolic link is followed only where we or root made it: another's may lead to any file of ours."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
    try:
        return os.open(path, flags | os.O_NOFOLLOW)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
    owner = path.lstat().st_uid
    if owner not in (os.geteuid(), _ROOT):
        _refuse(path, f"it is a symbolic link that uid {owner} made", "give the file itself")
    return os.open(path, flags)


def _judge(path: Path, status: os.stat_result) -> None:
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISFIFO(status.st_mode)):
        _refuse(path, "it is neither a file nor a pipe", "")
    if status.st_uid != os.geteuid():
        fix = f"make a file of your own; chown {os.geteuid()} {path}"
        _refuse(path, f"it belongs to uid {status.st_uid}, who can change it", fix)
    if stat.S_ISREG(status.st_mode) and status.st_mode & 0o077:
        _refuse(path, "others can read or change it", f"chmod 600 {path}")


def _refuse(path: Path, why: str, fix: str) -> NoReturn:
    raise SecretError(f"cannot use {path}: {why}", fix=fix)
