"""Where poolwright keeps things: configuration, state, journals, sockets; all private to the operator.

Everything a run needs sits below one state folder that outlives a logout; nothing lives in the runtime folder,
which logind empties at the last one.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import tempfile
from collections.abc import Callable
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


class WriteError(PoolwrightError):
    """A file that the operator named cannot be written."""

    code = "PW122"
    title = "a file cannot be written"
    exit_code = ExitCode.BAD_INPUT

    def __init__(self, path: Path, why: str) -> None:
        self.path, self.why = path, why
        super().__init__(f"cannot write {path}: {why}", fix="name another file")


def default_state_dir() -> Path:
    """The operator's own state folder (XDG_STATE_HOME/poolwright)."""
    return _of_operator(platformdirs.user_state_path, "XDG_STATE_HOME")


def default_config_dir() -> Path:
    """The operator's own configuration folder (XDG_CONFIG_HOME/poolwright)."""
    return _of_operator(platformdirs.user_config_path, "XDG_CONFIG_HOME")


def settings_path() -> Path:
    """The operator's own settings.toml; it need not exist."""
    return default_config_dir() / "settings.toml"


def _of_operator(place: Callable[[str], Path], variable: str) -> Path:
    """A folder below the home folder; PathsError where neither HOME nor the user database tells that one, and where
    `variable` or HOME is a relative path, which would mean another folder wherever we are called."""
    own = os.environ.get(variable, "").strip()
    _demand_absolute(variable if own else "HOME", own or os.environ.get("HOME", ""))
    try:
        path = place("poolwright")
    except RuntimeError:
        path = Path()
    if not path.is_absolute():
        raise PathsError(
            "cannot tell where your files belong: neither HOME nor the user database names your home folder",
            fix="set HOME, or give XDG_STATE_HOME and XDG_CONFIG_HOME, as absolute paths",
        )
    return path


def _demand_absolute(variable: str, value: str) -> None:
    if value and not Path(value).is_absolute():
        raise PathsError(
            f"cannot tell where your files belong: {variable} is {value!a}, which is no absolute path",
            fix=f"set {variable} to an absolute path",
        )


def expanded(path: Path) -> Path:
    """The path with `~` at its beginning replaced; PathsError where nobody knows that home folder."""
    if path.parts[:1] == ("~",):
        _demand_absolute("HOME", os.environ.get("HOME", ""))
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise PathsError(f"cannot tell what ~ means in {path}", fix="write the whole path") from error


@dataclass(frozen=True, slots=True)
class StatePaths:
    """Names of everything below one state folder; makes nothing by itself."""

    root: Path

    @classmethod
    def of(cls, state_dir: Path | None) -> StatePaths:
        """Paths below `state_dir` (--state-dir), or below the operator's own state folder."""
        return cls(expanded(state_dir or default_state_dir()).absolute())

    @property
    def pins(self) -> Path:
        """Identities the operator confirmed."""
        return self.root / "pins.json"

    @property
    def marks_key(self) -> Path:
        """Key of the marks by which a password is known again (core.runner.marks)."""
        return self.root / "marks.key"

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


def readable_root(path: Path) -> bool:
    """Is there a state folder of ours to read? False when there is none yet; PathsError when it cannot be used."""
    fix = "choose another by --state-dir"
    try:
        status = path.stat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise PathsError(
            f"cannot read the folder {path}: {(error.strerror or '').lower()}", fix=fix
        ) from error
    _demand_own(path, status, fix)
    return True


def _demand_own(path: Path, status: os.stat_result, fix: str) -> None:
    if not stat.S_ISDIR(status.st_mode):
        raise PathsError(f"cannot use {path}: it is no folder", fix=fix)
    if status.st_uid != os.geteuid():
        raise PathsError(f"cannot use {path}: it belongs to uid {status.st_uid}", fix=fix)


def _own_dir(path: Path, *, forbidden: int) -> Path:
    fix = "choose another by --state-dir"
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = path.stat()
    except OSError as error:
        raise PathsError(f"cannot make the folder {path}: {_why_not_made(path, error)}", fix=fix) from error
    _demand_own(path, status, fix)
    if status.st_mode & forbidden:
        mode = stat.S_IMODE(status.st_mode)
        raise PathsError(f"cannot use {path}: mode {mode:04o} lets others in", fix=f"chmod 700 {path}")
    return path


def _why_not_made(path: Path, error: OSError) -> str:
    """A place such as /proc says that a folder it will not make does not exist: then the place is named."""
    if error.errno != errno.ENOENT:
        return (error.strerror or str(error)).lower()
    place = next((each for each in path.parents if each.exists()), Path("/"))
    return f"nothing can be made in {place}"


def write_private(path: Path, data: bytes | str) -> None:
    """Write a file of our own, mode 0600, atomically: readers see the old or the new content, also after a power
    loss. OSError when it cannot be written; what an operator named goes through `write_named`."""
    _replace(path, _raw(data), 0o600)


def write_named(path: Path, data: bytes | str, *, mode: int = 0o600) -> None:
    """Write a file that the operator named; WriteError says why it cannot be.

    A regular file is replaced atomically, a symbolic link is followed and stays. A device, a pipe or our own standard
    output is written into. A folder, a socket or a disk is refused.
    """
    try:
        _write_named(path, _raw(data), mode)
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise WriteError(path, "it is a pipe that nobody reads") from error
        raise WriteError(path, (error.strerror or str(error)).lower()) from error
    except RuntimeError as error:  # Python below 3.13 says so of links that lead in a circle
        raise WriteError(path, "its symbolic links lead in a circle") from error


def _write_named(path: Path, raw: bytes, mode: int) -> None:
    try:
        status = path.stat()
    except FileNotFoundError:
        status = None
    own = _own_stream(status) if status is not None else None
    if status is None or (own is None and stat.S_ISREG(status.st_mode)):
        _replace(path.resolve(), raw, mode)
        return
    with os.fdopen(os.dup(own) if own is not None else _opened(path, status), "wb") as file:
        file.write(raw)


def _opened(path: Path, status: os.stat_result) -> int:
    """A handle for writing into what is no regular file; WriteError for what takes no text."""
    refused = {stat.S_IFDIR: "it is a folder", stat.S_IFSOCK: "it is a socket", stat.S_IFBLK: "it is a disk"}
    if why := refused.get(stat.S_IFMT(status.st_mode)):
        raise WriteError(path, why)
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    os.set_blocking(handle, True)
    return handle


def _own_stream(status: os.stat_result) -> int | None:
    """Our standard output or error, when this is the file behind it (/dev/stdout): the rest of it must not be lost."""
    for number in (1, 2):
        with contextlib.suppress(OSError):
            if os.path.samestat(status, os.fstat(number)):
                return number
    return None


def _raw(data: bytes | str) -> bytes:
    return data.encode() if isinstance(data, str) else data


def _replace(path: Path, raw: bytes, mode: int) -> None:
    handle, name = tempfile.mkstemp(
        prefix=f".{path.name[:60]}.", dir=path.parent
    )  # mkstemp: 0600 from the start
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
            file.flush()
            os.fchmod(file.fileno(), mode)
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
