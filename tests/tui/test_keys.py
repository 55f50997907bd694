"""[keys] of settings.toml: a name that nothing has, and a key that no keyboard sends, is bad input with its line."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import pytest
from textual.binding import Binding
from textual.keys import KEY_NAME_REPLACEMENTS, KEY_TO_UNICODE_NAME, Keys

import tui.app
import tui.screens
import tui.widgets
from core import key_names
from core.cli.main import main as headless
from core.errors import SettingsError
from core.files import FileError
from core.service import Service
from core.settings import load_settings
from tests.tui.conftest import _wait
from tests.tui.ways import SIZE
from tui.app import PoolwrightApp
from tui.launch import open_wizard


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "poolwright").mkdir()
    return tmp_path / "poolwright" / "settings.toml"


SLIPS = [
    ('"wizard.nxt" = "f2"', "nothing is called 'wizard.nxt'; did you mean 'wizard.next'?"),
    ('"wizard.next" = "f2,F3x"', "'F3x' is no key"),
    ('"wizard.next" = "zzzz"', "'zzzz' is no key; a key is called as f2"),
    ('"wizard.next" = "ctlr+n"', "'ctlr+n' is no key; did you mean 'ctrl+n'?"),
    ('"wizard.next" = ""', "'' is no key"),
]


@pytest.mark.parametrize(("line", "told"), SLIPS)
def test_a_slip_is_told_with_its_line_by_every_command(
    line: str, told: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(f'# mine\n[keys]\n"wizard.back" = "f3"\n{line}\n')
    with pytest.raises(SettingsError) as caught:
        load_settings()
    (problem,) = caught.value.problems
    assert told in str(problem)
    assert (problem.file, problem.line) == (str(file), 4)
    assert headless(["runs"]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("is_plain", [False, True], ids=["screens", "plain"])
@pytest.mark.parametrize(("line", "told"), SLIPS)
def test_the_wizard_does_not_even_begin_with_a_slip(
    line: str, told: str, is_plain: bool, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing was painted and nothing was built by then."""
    file.write_text(f"[keys]\n{line}\n")
    with pytest.raises(SettingsError) as caught:
        open_wizard(_never, plain=is_plain, force=not is_plain)
    assert told in str(caught.value)
    assert capsys.readouterr() == ("", "")


def test_what_is_no_table_is_told_before_anything_is_painted_too(file: Path) -> None:
    file.write_text("[keys\n")
    with pytest.raises(FileError, match="it is no TOML"):
        open_wizard(_never, force=True)


def test_the_names_of_core_are_those_that_the_screens_bind() -> None:
    assert _bound() == key_names.ACTIONS


def test_every_key_that_the_screens_library_knows_is_one() -> None:
    known = {each.value for each in Keys if not each.value.startswith("<")} - {"ctrl-at"}
    known |= {*KEY_NAME_REPLACEMENTS.values(), *KEY_TO_UNICODE_NAME}
    assert [key for key in known if not key_names.is_key(key)] == []
    used = (
        "f8",
        "ctrl+n",
        "question_mark",
        "slash",
        "space",
        "delete",
        "escape",
        "enter",
        "n",
        "X",
        "?",
        "shift+f3",
    )
    assert all(map(key_names.is_key, used))
    assert not any(map(key_names.is_key, ("zzzz", "f25", "ctlr+n", "", "ctrl+", "meta+n")))


def _bound() -> set[str]:
    """Every name that a key can be bound to, of all screens and parts of them."""
    modules = [tui.app]
    for package in (tui.screens, tui.widgets):
        found = pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
        modules += [importlib.import_module(each.name) for each in found]
    return {
        binding.id
        for module in modules
        for kind in vars(module).values()
        if isinstance(kind, type)
        for binding in vars(kind).get("BINDINGS", ())
        if isinstance(binding, Binding) and binding.id
    }


def _never() -> Service:
    raise AssertionError("the wizard began")


@pytest.mark.asyncio
async def test_a_slip_in_the_environment_ends_the_wizard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POOLWRIGHT_KEYS", '{"wizard.nxt": "f2"}')
    app = PoolwrightApp(Service)
    async with app.run_test(size=SIZE) as pilot:
        await _wait(pilot, lambda: app.refused is not None, "refused")  # an app that ends comes to no rest
    assert isinstance(app.refused, SettingsError)
    assert "did you mean 'wizard.next'?" in str(app.refused)
    assert app.return_value == 2
