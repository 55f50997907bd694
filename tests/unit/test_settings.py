"""settings.toml: every key is one that exists and every value one that can be used, or it is told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.cli.main import main
from core.errors import PoolwrightError, SettingsError
from core.settings import Settings, load_settings


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "poolwright").mkdir()
    return tmp_path / "poolwright" / "settings.toml"


BAD = [
    ("connect_s = 5\nconect_s = 3\n", ":2:1: setting conect_s: there is no setting 'conect_s'; did you mean 'connect"),
    ("\n[kyes]\n'wizard.next' = 'f2'\n", ":2:1: setting kyes: there is no setting 'kyes'; did you mean 'keys'?"),
    ("# x\n'log_levle' = 'DEBUG'\n", ":2:1: setting log_levle: there is no setting 'log_levle'; did you mean 'log_l"),
    ("zzz = 1\n", "known here: agent_discover_s, "),
    ("\n\nconnect_s = 'soon'\n", ":3:1: setting connect_s: input should be a valid number"),
    ("connect_s = 0\n", ":1:1: setting connect_s: input should be greater than 0"),
    ("log_level = 'LOUD'\n", ":1:1: setting log_level: "),
    ("[keys]\n'wizard.back' = 'f3'\n'wizard.next' = 2\n", ":3:1: setting keys.wizard.next: "),
    ("[keys]\nwizard.next = 'f2'\n", ":2:1: setting keys.wizard: "),
    ("connect_s =\n", "it is no TOML"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "told"), BAD)
def test_what_cannot_be_used_is_told_with_its_place(text: str, told: str, file: Path) -> None:
    file.write_text(text)
    with pytest.raises(PoolwrightError) as caught:
        load_settings()
    assert caught.value.exit_code == 2
    assert told in str(caught.value)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_misspelt_is_told_in_the_file_and_in_the_environment(
    name: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slip = f"{name}x"
    file.write_text(f"{slip} = 1\n")
    with pytest.raises(SettingsError, match=f"did you mean '{name}'"):
        load_settings()
    file.write_text("")
    monkeypatch.setenv(f"POOLWRIGHT_{slip.upper()}", "1")
    with pytest.raises(SettingsError, match=f"did you mean POOLWRIGHT_{name.upper()}"):
        load_settings()


def test_all_unknown_keys_are_told_at_once(file: Path) -> None:
    file.write_text("a = 1\nb = 2\n[c]\nd = 1\n")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert [each.line for each in caught.value.problems] == [1, 2, 3]


def test_a_byte_order_mark_hides_nothing(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbfconnect_s = 3\r\n")
    assert load_settings().connect_s == 3
    file.write_bytes(b"\xef\xbb\xbfconect_s = 3\r\n")
    with pytest.raises(SettingsError, match="did you mean 'connect_s'"):
        load_settings()


def test_file_environment_and_flag_in_this_order(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("connect_s = 3\nssh_command_s = 4\n[keys]\n'wizard.next' = 'f2'\n")
    monkeypatch.setenv("POOLWRIGHT_SSH_COMMAND_S", "5")
    found = load_settings(state_dir=Path("/x"))
    assert (found.connect_s, found.ssh_command_s, found.state_dir) == (3, 5, Path("/x"))
    assert found.keys == {"wizard.next": "f2"}
    monkeypatch.setenv("POOLWRIGHT_SSH_COMMAND_S", "soon")
    with pytest.raises(SettingsError, match="POOLWRIGHT_SSH_COMMAND_S: input should"):
        load_settings()


def test_a_command_ends_with_bad_input(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("conect_s = 3\n")
    assert main(["runs"]) == 2
    assert "did you mean 'connect_s'?" in capsys.readouterr().err
