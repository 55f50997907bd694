"""The password file: every way in which it cannot be used is an error with its place, and shows no secret."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from core.cli import password_file
from core.cli.main import main
from core.cli.password_file import MAX_BYTES, read_password_file
from core.errors import SecretError
from core.platforms import catalog

NAMES = tuple(catalog.platform("oracle_vm").secret_names)
SECRET = "swordfish"
is_root = os.geteuid() == 0


def made(folder: Path, text: str | bytes = f"agent: {SECRET}\n", mode: int = 0o600) -> Path:
    path = folder / "passwords"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(mode)
    return path


def owned_by_another(folder: Path) -> Path:
    path = made(folder)
    os.chown(path, 65534, 65534)
    return path


def linked_by_another(folder: Path) -> Path:
    link = folder / "link"
    link.symlink_to(made(folder))
    os.lchown(link, 65534, 65534)
    return link


def linked_in_a_ring(folder: Path) -> Path:
    (folder / "a").symlink_to(folder / "b")
    (folder / "b").symlink_to(folder / "a")
    return folder / "a"


needs_root = pytest.mark.skipif(not is_root, reason="needs root to give files away")
BAD: list[tuple[Callable[[Path], Path], str]] = [
    (lambda folder: made(folder, f"agent: {SECRET}\n#{'x' * MAX_BYTES}\n"), "larger than 64 KiB"),
    (lambda folder: made(folder, f"agent: {SECRET}\nmanager: a\nagent: other\n"), "line 3 gives the agent secret a"),
    (lambda folder: made(folder, f"manger: {SECRET}\n"), "line 1: there is no secret 'manger'; did you mean 'manager'"),
    (lambda folder: made(folder, f"\n\n{SECRET}\n"), "line 3 is not `name: secret`"),
    (lambda folder: made(folder, mode=0o640), "others can read or change it; chmod 600"),
    (lambda folder: made(folder, mode=0o620), "others can read or change it"),
    (lambda folder: made(folder, mode=0o604), "others can read or change it"),
    (lambda folder: made(folder, f"agent: {SECRET}\xff\n".encode("latin-1")), "not UTF-8"),
    (lambda _folder: Path("/dev/zero"), "neither a file nor a pipe"),
    (lambda folder: folder, "neither a file nor a pipe"),
    (lambda folder: folder / "none", "No such file"),
    (linked_in_a_ring, "too many symbolic links"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "why"), BAD)
def test_a_file_that_cannot_be_used_says_why(make: Callable[[Path], Path], why: str, tmp_path: Path) -> None:
    with pytest.raises(SecretError) as caught:
        read_password_file(make(tmp_path), NAMES)
    assert why in str(caught.value)
    assert SECRET not in str(caught.value)


@needs_root
@pytest.mark.parametrize(
    ("make", "why"),
    [(owned_by_another, "belongs to uid 65534"), (linked_by_another, "symbolic link that uid 65534 made")],
)
def test_what_another_user_can_change_is_refused(
    make: Callable[[Path], Path], why: str, tmp_path: Path
) -> None:
    with pytest.raises(SecretError, match=why):
        read_password_file(make(tmp_path), NAMES)


def test_a_file_exchanged_for_another_s_after_it_was_looked_at_is_judged_as_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is judged is the open file: the same names on disk afterwards change nothing."""
    path, opening = made(tmp_path, mode=0o644), password_file._open

    def exchanged(asked: Path) -> int:
        handle = opening(asked)
        path.unlink()
        made(tmp_path, mode=0o600)
        return handle

    monkeypatch.setattr(password_file, "_open", exchanged)
    with pytest.raises(SecretError, match="others can read"):
        read_password_file(path, NAMES)


@pytest.mark.parametrize("begins", [b"", b"\xef\xbb\xbf"], ids=["plain", "bom"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_good_file_gives_every_secret_whatever_editor_wrote_it(
    begins: bytes, ends: str, tmp_path: Path
) -> None:
    lines = ["manager: one two ", "# for the night", "", "agent: a:b\x0b\u2028c", "ssh_key: passphrase"]
    path = made(tmp_path, begins + ends.join(lines).encode())
    assert read_password_file(path, NAMES) == {
        "manager": "one two ",
        "agent": "a:b\x0b\u2028c",
        "ssh_key": "passphrase",
    }


def test_our_own_link_and_a_pipe_are_read(tmp_path: Path) -> None:
    link, pipe = tmp_path / "link", tmp_path / "pipe"
    link.symlink_to(made(tmp_path))
    assert read_password_file(link, NAMES) == {"agent": SECRET}
    os.mkfifo(pipe, 0o600)
    writer = threading.Thread(target=pipe.write_text, args=(f"agent: {SECRET}\n",))
    writer.start()
    assert read_password_file(pipe, NAMES) == {"agent": SECRET}
    writer.join()


SPEC = """
manager: {host: 203.0.113.250}
pool:
  name: pool1
  virtual_ip: 203.0.113.10
  file_system: {kind: lun, wwid: '3600', transport: iscsi, access_host: 203.0.113.9, chap_user: me}
servers: [203.0.113.11]
ssh: {}
jump: {host: gate}
"""


def test_all_missing_secrets_are_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(SPEC)
    words = ["check", str(spec), "--state-dir", str(tmp_path / "state")]
    assert main([*words, "--password-file", str(made(tmp_path))]) == 2
    said = capsys.readouterr().err
    for name in ("manager", "ssh", "jump", "chap"):
        assert f"`{name}: ...`" in said
        assert f"POOLWRIGHT_{name.upper()}_PASSWORD" in said
    assert "POOLWRIGHT_AGENT_PASSWORD" not in said, "what is there is not missing"


def test_a_variable_that_names_no_secret_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(SPEC)
    monkeypatch.setenv("POOLWRIGHT_MANGER_PASSWORD", SECRET)
    assert main(["check", str(spec), "--state-dir", str(tmp_path / "state")]) == 2
    said = capsys.readouterr().err
    assert "there is no secret 'manger'" in said
    assert "did you mean 'manager'?" in said
    assert SECRET not in said
