"""Reading what somebody named: whatever it is, content or one reason, and never without end."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

from core import files
from core.files import FileError, is_deeper, read_bytes, read_json, read_text, read_toml

MAX = 8 * 1024


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))


def _huge(path: Path) -> None:
    path.touch()
    os.truncate(path, 1 << 40)


KINDS: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: None, "there is no such file"),
    "folder": (lambda path: path.mkdir(), "it is a folder"),
    "silent pipe": (os.mkfifo, "it is a pipe, and nobody wrote to it"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "it is a device"),
    "socket": (_socket, "it is a socket"),
    "link to itself": (lambda path: path.symlink_to(path), "too many levels of symbolic links"),
    "huge": (_huge, "it is larger than 8 KiB"),
    "not UTF-8": (lambda path: path.write_bytes(b"a\nb\xff"), "not UTF-8 text (line 2)"),
    "UTF-16": (lambda path: path.write_text("{}", encoding="utf-16"), "it is UTF-16 text"),
    "binary": (lambda path: path.write_bytes(b"a\nb\0"), "line 2 holds a NUL byte"),
    "empty": (lambda path: path.touch(), "it is empty"),
    "cut": (lambda path: path.write_text('{\n"a": [1,'), "it is no JSON: line 2"),
    "deep": (lambda path: path.write_text("[" * 500 + "]" * 500), "nested deeper than 100"),
    "a long number": (lambda path: path.write_text("[" + "1" * 5000 + "]"), "one of its numbers is too long"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_wrong_file_has_its_reason(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "PIPE_WAIT_S", 0.0)
    make, why = KINDS[kind]
    path = tmp_path / "named.json"
    make(path)
    with pytest.raises(FileError) as caught:
        read_json(path, MAX)
    assert why in caught.value.why
    assert str(path) in str(caught.value)


def test_a_name_that_no_file_can_have(tmp_path: Path) -> None:
    for name in ("a\0b", "x" * 300, "\ud800"):
        with pytest.raises(FileError, match="name"):
            read_bytes(tmp_path / name, MAX)


def test_a_pipe_is_read_to_its_end_and_no_further_than_allowed(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for size, fits in ((MAX, True), (MAX + 1, False)):
        writer = Thread(target=pipe.write_bytes, args=(b"x" * size,))
        writer.start()
        if fits:
            assert read_bytes(pipe, MAX) == b"x" * size
        else:
            with pytest.raises(FileError, match="larger"):
                read_bytes(pipe, MAX)
        writer.join()


def test_an_empty_device_is_an_empty_file_and_a_mark_is_no_text(tmp_path: Path) -> None:
    assert read_bytes(Path(os.devnull), MAX) == b""
    marked = tmp_path / "marked"
    marked.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read_text(marked, MAX) == "a: 1\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a = [", "it is no TOML"),
        ("a = " + "[" * 2000, "nested deeper"),
        ("a = " + "{a=" * 2000 + "1" + "}" * 2000, "nested deeper"),
        (f"a{'.a' * 20_000} = 1", "nested deeper"),  # needs the square of it in memory
        (f"x = {{a{' . a' * 20_000} = 1}}", "nested deeper"),
    ],
)
def test_toml_that_is_none_or_has_no_bottom(text: str, why: str, tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(text)
    with pytest.raises(FileError, match=why):
        read_toml(path, 1 << 20)


def test_depth_is_counted_in_levels() -> None:
    data: object = 1
    for _ in range(5):
        data = [data, {"a": data}]
    assert not is_deeper(data, 10)
    assert is_deeper(data, 4)
