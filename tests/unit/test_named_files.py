"""Files that an operator names: what stands at the name decides, and nothing of it is lost."""

from __future__ import annotations

import os
import re
import select
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import ExitCode
from core.lab.run import _forget
from core.paths import WriteError, write_named

ROOT = Path(__file__).resolve().parents[2]


def test_a_regular_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    write_named(path, "old", mode=0o644)
    before = path.stat()
    with path.open(encoding="utf-8") as reader:
        write_named(path, "new")
        assert reader.read() == "old"  # who reads has the old one to its end
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", 0o600)
    assert path.stat().st_ino != before.st_ino
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("is_there", [True, False])
def test_a_symbolic_link_is_followed_and_stays(is_there: bool, tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    target, link = tmp_path / "far" / "target", tmp_path / "link"
    if is_there:
        target.write_text("old")
    link.symlink_to("far/target")
    write_named(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_a_pipe_is_written_into(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # there before anybody writes
    heard: list[bytes] = []

    def read() -> None:
        select.select([reader], [], [])  # before anybody writes, reading would be the end already
        os.set_blocking(reader, True)
        with os.fdopen(reader, "rb") as file:
            heard.append(file.read())

    thread = threading.Thread(target=read)
    thread.start()
    data = "x" * 1_000_000  # more than a pipe holds
    write_named(path, data)
    thread.join()
    assert heard == [data.encode()]
    assert path.is_fifo()


def test_a_device_is_written_into_and_stays_a_device() -> None:
    write_named(Path("/dev/null"), "gone")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    _forget(Path("/dev/null"))  # as a lab does with its ready file
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_our_own_standard_output_is_written_into(name: str, tmp_path: Path) -> None:
    """Redirected to a file it was replaced: what was printed before and after went to a file without a name."""
    program = (
        "import sys; from pathlib import Path; from core.paths import write_named\n"
        f"print('before', flush=True); write_named(Path({name!r}), 'named\\n'); print('after')"
    )
    path = tmp_path / "out"
    with path.open("wb") as file:
        subprocess.run([sys.executable, "-c", program], stdout=file, cwd=ROOT, check=True)
    assert path.read_text().split() == ["before", "named", "after"]
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, cwd=ROOT, check=True)
    assert shown.stdout.split() == [b"before", b"named", b"after"]


def _folder(path: Path) -> None:
    path.mkdir()


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


def _circle(path: Path) -> None:
    path.symlink_to(path.name)


def _full(path: Path) -> None:
    path.symlink_to("/dev/full")


def _nowhere(path: Path) -> None:
    path.symlink_to("no/such/folder/x")


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (_folder, "it is a folder"),
        (_pipe, "it is a pipe that nobody reads"),
        (_socket, "it is a socket"),
        (_circle, "symbolic links"),
        (_full, "no space left on device"),
        (_nowhere, "no such file or directory"),
    ],
)
def test_what_cannot_be_written_is_told_and_stays(
    make: Callable[[Path], None], why: str, tmp_path: Path
) -> None:
    path = tmp_path / "there"
    make(path)
    before = path.lstat()
    with pytest.raises(WriteError, match=re.escape(str(path))) as caught:
        write_named(path, "text")
    assert why in caught.value.message
    assert caught.value.exit_code is ExitCode.BAD_INPUT
    after = path.lstat()
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_takes_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="no such file or directory"):
        write_named(tmp_path / "none" / "x", "text")
    (tmp_path / "file").touch()
    with pytest.raises(WriteError, match="not a directory"):
        write_named(tmp_path / "file" / "x", "text")
    long = tmp_path / ("x" * 250)
    write_named(long, "text")
    assert long.read_text() == "text"
    if os.geteuid() == 0:
        return  # root may write anywhere
    tmp_path.chmod(0o500)
    with pytest.raises(WriteError, match="permission denied"):
        write_named(tmp_path / "y", "text")


OWN = {  # files of our own, in folders of our own, named by nobody
    "core/paths.py", "core/log.py", "core/crash.py", "core/engine/database.py", "core/lab/keys.py",
    "core/runner/approvals.py", "core/runner/locks.py", "core/runner/claims.py", "core/transports/pins.py",
    "tui/answers.py",
}  # fmt: skip
WRITES = re.compile(
    r"write_text\(|write_bytes\(|mkstemp|O_CREAT|\.(open|fdopen)\([^)]*[\"'][wax]b?\+?[\"']|\bopen\([^)]*[\"'][wax]"
)


def test_no_other_code_writes_files() -> None:
    found = {
        str(path.relative_to(ROOT))
        for room in ("core", "tui")
        for path in (ROOT / room).rglob("*.py")
        if WRITES.search(path.read_text(encoding="utf-8"))
    }
    assert found == OWN
