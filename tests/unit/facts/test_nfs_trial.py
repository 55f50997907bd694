"""The NFS trial: outputs as Linux gives them (nfs-utils 2.6, dash and bash), and what must never be sent."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.facts.batch import Section
from core.facts.commands import sweep_share
from core.facts.nfs_trial import nfs_trial, read_trial

GOOD = "trial:mounted\ntrial:made\ntrial:file -rw-r--r-- 1 0 0 0 Nov 22 16:40 /tmp/.pwtrial0000/.pwfile000\n"
SQUASHED = "trial:mounted\ntrial:made\ntrial:file -rw-r--r-- 1 65534 65534 0 Nov 22 16:40 /tmp/.a/.b\n"
DENIED = "trial:mounted\nsh: 1: cannot create /tmp/.pw/.f: Permission denied\n"
READ_ONLY = "trial:mounted\nsh: 1: cannot create /tmp/.pw/.f: Read-only file system\n"
REFUSED = "mount.nfs: access denied by server while mounting 10.77.0.4:/export\n"
PROTECTED = "mount: /tmp/.pw: cannot mount 10.77.0.4:/export read-write, is write-protected\n"
LEFT = GOOD + "umount: /tmp/.pw: target is busy.\ntrial:left\n"


def trial(text: str, status: int | None = 0) -> tuple[bool | None, bool | None, bool]:
    return read_trial(Section("trial", "mkdir", status, text))[:3]


@pytest.mark.parametrize(
    ("text", "status", "told"),
    [
        (GOOD, 0, (True, True, True)),
        (SQUASHED, 0, (True, False, True)),
        (DENIED, 0, (False, False, True)),
        (READ_ONLY, 0, (False, None, True)),
        (REFUSED, 0, (None, None, True)),
        (PROTECTED, 0, (False, None, True)),
        (LEFT, 0, (True, True, False)),
        (GOOD, None, (True, True, False)),  # cut: nobody knows whether it was cleaned up
        ("", None, (None, None, False)),
        ("mkdir: cannot create directory: File exists\n", 1, (None, None, True)),
        ("trial:mounted\ntrial:made\n", 0, (True, None, True)),
    ],
)
def test_outputs(text: str, status: int | None, told: tuple[bool | None, ...]) -> None:
    assert trial(text, status) == told


def test_the_servers_words_are_kept_and_inert() -> None:
    told = read_trial(Section("trial", "mkdir", 1, "\x1b[31mmount.nfs: access denied\x07\n"))
    assert "access denied" in told.trouble
    assert told.trouble.isprintable()


@given(st.text(max_size=300), st.one_of(st.none(), st.integers(0, 255)))
def test_whatever_comes_is_read(text: str, status: int | None) -> None:
    told = read_trial(Section("trial", "mkdir", status, text))
    assert told.keeps_root is None or told.is_writable is not None
    assert told.trouble.isprintable()


@pytest.mark.parametrize(
    ("server", "export", "folder", "name"),
    [
        ("nfs;reboot", "/x", "/tmp/.pw12345678", ".pw12345678"),
        ("nfs", "x", "/tmp/.pw12345678", ".pw12345678"),
        ("nfs", "/x", "/", ".pw12345678"),
        ("nfs", "/x", "/tmp/../etc/.x", ".pw12345678"),
        ("nfs", "/x", "/tmp/.pw12345678", "ovspoolfs.img"),
        ("nfs", "/x", "/tmp/.pw12345678", "../x"),
    ],
)
def test_unusable_words_are_refused(server: str, export: str, folder: str, name: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        nfs_trial(server, export, folder, name)


def test_an_export_is_quoted() -> None:
    command = nfs_trial("nfs", "/a b;reboot", "/tmp/.pw12345678", ".pw12345678")["trial"]
    assert "'nfs:/a b;reboot'" in command


def test_only_old_empty_files_of_ours_are_swept_from_a_share(tmp_path: Path) -> None:
    """What a trial that died left in the share goes with the next one; a young, a full or another's file stays."""
    old_s = time.time() - 3600
    for name, text, is_old in (
        (".poolwright-0123456789abcdef", "", True),
        (".poolwright-just-now", "", False),
        (".poolwright-not-ours", "text", True),
        ("ovspoolfs.img", "", True),
    ):
        (tmp_path / name).write_text(text)
        if is_old:
            os.utime(tmp_path / name, (old_s, old_s))
    (tmp_path / ".poolwright-folder").mkdir()
    os.utime(tmp_path / ".poolwright-folder", (old_s, old_s))
    subprocess.run(["/bin/sh", "-c", sweep_share(str(tmp_path))], check=True)
    left = {one.name for one in tmp_path.iterdir()}
    assert left == {".poolwright-just-now", ".poolwright-not-ours", "ovspoolfs.img", ".poolwright-folder"}
