"""What the administrator demands: read only where nobody else could have written it, and never guessed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.system_settings import SYSTEM_SETTINGS, SystemSettings, SystemSettingsError, load_system_settings

UID = os.getuid()
GOOD = 'approvals = "/srv/approvals"\n'


def written(folder: Path, text: str = GOOD) -> Path:
    path = folder / "etc" / "settings.toml"
    path.parent.mkdir(mode=0o755)
    path.write_text(text)
    path.chmod(0o644)
    return path


def test_where_nothing_is_written_nothing_is_demanded(tmp_path: Path) -> None:
    assert load_system_settings(tmp_path / "none" / "settings.toml", UID) == SystemSettings()
    assert str(SYSTEM_SETTINGS) == "/etc/poolwright/settings.toml"


def test_a_folder_is_demanded(tmp_path: Path) -> None:
    assert load_system_settings(written(tmp_path), UID).approvals == Path("/srv/approvals")
    other = tmp_path / "empty"
    other.mkdir()
    assert load_system_settings(written(other, ""), UID) == SystemSettings()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("approval = '/x'", "there is no setting 'approval'.*did you mean 'approvals'"),
        ("approvals = 'x'", "no absolute path"),
        ("approvals = true", "no absolute path"),
        ("approvals =", "no TOML"),
        ("\x00", "NUL"),
    ],
)
def test_what_cannot_be_understood_stops_everything(text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(SystemSettingsError, match=told):
        load_system_settings(written(tmp_path, text), UID)


@pytest.mark.parametrize("what", ["file", "folder", "link", "owner"])
def test_what_others_could_have_written_is_not_believed(what: str, tmp_path: Path) -> None:
    path, owner = written(tmp_path), UID
    if what == "file":
        path.chmod(0o664)
    elif what == "folder":
        path.parent.chmod(0o777)
    elif what == "link":
        target = path.rename(tmp_path / "loose")
        target.chmod(0o666)
        path.symlink_to(target)
    else:
        owner = UID + 1
    with pytest.raises(SystemSettingsError, match="cannot trust"):
        load_system_settings(path, owner)
