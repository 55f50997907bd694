"""What this machine's administrator demands: /etc/poolwright/settings.toml. No setting or option of a user counts.

Every program that acts on it reads it itself. A file that others than root could have written, or that cannot be
understood, is an error: what is not known is not taken for "nothing is demanded".
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from core.errors import ExitCode, PoolwrightError
from core.files import FileError, read_toml
from core.text import nearest

SYSTEM_SETTINGS = Path("/etc/poolwright/settings.toml")
MAX_BYTES = 64 * 1024
ROOT = 0
_KEYS = ("approvals",)


class SystemSettingsError(PoolwrightError):
    """The administrator's settings cannot be trusted or read; nothing is run until they can."""

    code = "PW131"
    title = "this machine's settings cannot be used"
    exit_code = ExitCode.BAD_INPUT


@dataclass(frozen=True, slots=True)
class SystemSettings:
    """`approvals`: folder in which a second user must have approved every run, rollback and sweep; None: not asked."""

    approvals: Path | None = None


def load_system_settings(path: Path = SYSTEM_SETTINGS, owner: int = ROOT) -> SystemSettings:
    """The settings; all defaults when there is no such file. `owner` and `path` differ in tests only.

    SystemSettingsError when the file or its folder is not the owner's, others can write it, or a word is unknown.
    """
    try:
        _require_owned(path.parent, owner)
        _require_owned(path, owner)
    except (FileNotFoundError, NotADirectoryError):
        return SystemSettings()
    except OSError as error:
        raise SystemSettingsError(
            f"cannot read {path}: {error.strerror or error}", fix="ask its owner"
        ) from error
    try:
        data = read_toml(path, MAX_BYTES)
    except FileError as error:
        raise SystemSettingsError(f"cannot use {path}: {error.why}") from error
    unknown = [key for key in data if key not in _KEYS]
    if unknown:
        raise SystemSettingsError(
            f"cannot use {path}: there is no setting {unknown[0]!a}", fix=nearest(unknown[0], _KEYS)
        )
    folder = data.get("approvals")
    if folder is not None and not (isinstance(folder, str) and folder.startswith("/")):
        raise SystemSettingsError(f"cannot use {path}: approvals is no absolute path of a folder")
    return SystemSettings(Path(folder) if folder is not None else None)


def _require_owned(path: Path, owner: int) -> None:
    """Nobody but its owner may have a say in it, through whatever link it was reached."""
    for status in (path.lstat(), path.stat()):
        if status.st_uid != owner:
            raise SystemSettingsError(
                f"cannot trust {path}: it belongs to uid {status.st_uid}, not to uid {owner}",
                fix=f"chown root {path}",
            )
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise SystemSettingsError(f"cannot trust {path}: others can write it", fix=f"chmod go-w {path}")
    if not os.access(path, os.R_OK):
        raise PermissionError(13, "no right to read it")
