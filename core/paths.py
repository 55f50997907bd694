"""Where poolwright keeps things: configuration, state, journals, sockets; all private to the operator.

Everything a run needs sits below one state folder that outlives a logout; nothing lives in the runtime folder,
which logind empties at the last one.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from core.errors import ExitCode, PoolwrightError

SOCKET_PATH_MAX_BYTES = 100  # sun_path holds 108 with its NUL (unix(7)); some systems hold less
RUN_ID = re.compile(r"\A[0-9]{6}-[0-9]{6}-[0-9a-z]{2}\Z")


class PathsError(PoolwrightError):
    """A private folder or file cannot be made or is not safe to use."""

    code = "PW120"
    title = "a folder cannot be used"
    exit_code = ExitCode.BAD_INPUT


def default_state_dir() -> Path:
    """The operator's own state folder (XDG_STATE_HOME/poolwright)."""
    return platformdirs.user_state_path("poolwright")


def default_config_dir() -> Path:
    """The operator's own configuration folder (XDG_CONFIG_HOME/poolwright)."""
    return platformdirs.user_config_path("poolwright")


@dataclass(frozen=True, slots=True)
class StatePaths:
    """Names of everything below one state folder; makes nothing by itself."""

    root: Path

    @classmethod
    def of(cls, state_dir: Path | None) -> StatePaths:
        """Paths below `state_dir` (--state-dir), or below the operator's own state folder."""
        return cls((state_dir or default_state_dir()).expanduser().absolute())

    @property
    def pins(self) -> Path:
        """Identities the operator confirmed."""
        return self.root / "pins.json"

    @property
    def runs(self) -> Path:
        """One folder a run."""
        return self.root / "runs"

    def run(self, run: str) -> Path:
        """The folder of one run; refuses a name that is no run id, so that no path is ever built from one."""
        if not RUN_ID.match(run):
            raise PathsError(f"cannot use {run!r}: it is no run id", fix="run ids look like 261122-150445-k3")
        return self.runs / run

    def journal(self, run: str) -> Path:
        """The SQLite file that is the truth about one run."""
        return self.run(run) / "journal.db"

    def lock(self, run: str) -> Path:
        """Held by the runner of this run for as long as it lives."""
        return self.run(run) / "lock"

    def socket(self, run: str) -> Path:
        """Where the runner of this run listens."""
        return self.run(run) / "sock"

    def errors(self, run: str) -> Path:
        """What a runner that died unexpectedly said last."""
        return self.run(run) / "runner.err"


def private_dir(path: Path) -> Path:
    """Make a folder with mode 0700 (and its parents); refuses one that is not ours or open to others."""
    return _own_dir(path, forbidden=0o077)


def state_root(path: Path) -> Path:
    """Make the state folder; refuses one that is not ours or that others can write (what is inside is 0700)."""
    return _own_dir(path, forbidden=0o022)


def _own_dir(path: Path, *, forbidden: int) -> Path:
    fix = "choose another by --state-dir"
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = path.stat()
    except OSError as error:
        raise PathsError(f"cannot make the folder {path}: {error.strerror}", fix=fix) from error
    if not stat.S_ISDIR(status.st_mode):
        raise PathsError(f"cannot use {path}: it is no folder", fix=fix)
    if status.st_uid != os.geteuid():
        raise PathsError(f"cannot use {path}: it belongs to uid {status.st_uid}", fix=fix)
    if status.st_mode & forbidden:
        mode = stat.S_IMODE(status.st_mode)
        raise PathsError(f"cannot use {path}: mode {mode:04o} lets others in", fix=f"chmod 700 {path}")
    return path


def write_private(path: Path, data: bytes | str) -> None:
    """Write a file of mode 0600 atomically: readers see the old or the new content, also after a power loss."""
    raw = data.encode() if isinstance(data, str) else data
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mkstemp: 0600 from the start
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
        sync_dir(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def sync_dir(path: Path) -> None:
    """Make names just created or renamed in a folder survive a power loss."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
