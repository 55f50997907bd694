"""Private folders, run names and atomic files."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from core.cli.main import main
from core.paths import (
    PathsError,
    StatePaths,
    default_config_dir,
    default_state_dir,
    expanded,
    private_dir,
    state_root,
    write_private,
)


def test_folders_are_made_private_whatever_the_umask(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        assert private_dir(tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700
    finally:
        os.umask(old)


def test_a_folder_open_to_others_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o755)
    with pytest.raises(PathsError, match="chmod 700"):
        private_dir(folder)
    assert state_root(folder) == folder, "reading is no harm above the private folders"
    folder.chmod(0o1777)
    with pytest.raises(PathsError, match="lets others in"):
        state_root(folder)
    assert folder.stat().st_mode & 0o7777 == 0o1777


def test_a_file_in_the_way_and_a_read_only_place_are_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/poolwright")):
        with pytest.raises(PathsError, match="--state-dir"):
            private_dir(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a folder away")
def test_somebody_else_s_folder_is_refused(tmp_path: Path) -> None:
    folder = private_dir(tmp_path / "theirs")
    os.chown(folder, 65534, 65534)
    with pytest.raises(PathsError, match="belongs to uid 65534"):
        private_dir(folder)


def test_files_are_replaced_whole_and_private(tmp_path: Path) -> None:
    path = tmp_path / "pins.json"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", 0o600)
    with pytest.raises(TypeError):
        write_private(path, 7)  # type: ignore[arg-type]
    assert [item.name for item in tmp_path.iterdir()] == ["pins.json"], "a failed write leaves nothing"


@pytest.mark.parametrize(
    "run", ["", ".", "..", "../../etc", "261122-150445-k3/x", "261122-150445-k3\n", "261122-150445-K3"]
)
def test_no_path_is_made_from_what_is_no_run_id(run: str) -> None:
    with pytest.raises(PathsError, match="no run id"):
        StatePaths(Path("/s")).run(run)


def test_state_lives_below_the_xdg_state_folder_or_where_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_state_dir() == tmp_path / "poolwright"
    assert StatePaths.of(None).root == tmp_path / "poolwright"
    assert StatePaths.of(Path("relative")).root.is_absolute()


@pytest.mark.parametrize("variable", ["HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"])
def test_a_relative_home_is_refused_by_name(
    variable: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(variable, "relative")
    assert main(["runs"]) == 2
    assert f"{variable} is 'relative', which is no absolute path" in capsys.readouterr().err
    if variable == "HOME":
        with pytest.raises(PathsError, match="HOME is 'relative'"):
            expanded(Path("~/state"))
    assert not list(tmp_path.iterdir())


def test_a_place_that_takes_no_folder_is_named() -> None:
    with pytest.raises(PathsError, match=r"cannot make the folder /proc/a/b: nothing can be made in /proc"):
        state_root(Path("/proc/a/b"))


def test_without_a_home_nobody_knows_where_files_belong(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)

    def unknown(_: object) -> pwd.struct_passwd:
        raise KeyError("nobody of this number")

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for folder in (default_state_dir, default_config_dir):
        with pytest.raises(PathsError, match="set HOME"):
            folder()
    with pytest.raises(PathsError, match="what ~ means"):
        expanded(Path("~/state"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_state_dir().is_relative_to(tmp_path)
    assert expanded(Path("~/state")) == tmp_path / "state"
