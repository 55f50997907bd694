"""[keys] of settings.toml: a name that nothing has, and a key that no keyboard sends, is bad input with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import SpecError
from core.settings import load_settings
from tests.tui.conftest import _wait
from tests.tui.fakes import FakeService
from tests.tui.ways import SIZE
from tui import keys
from tui.app import PoolwrightApp


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "poolwright").mkdir()
    return tmp_path / "poolwright" / "settings.toml"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('"wizard.nxt" = "f2"', "nothing is called 'wizard.nxt'; did you mean 'wizard.next'?"),
        ('"wizard.next" = "f2,F3x"', "'F3x' is no key"),
        ('"wizard.next" = "ctlr+n"', "'ctlr+n' is no key; did you mean 'ctrl+n'?"),
        ('"wizard.next" = ""', "'' is no key"),
    ],
)
def test_a_slip_is_told_with_its_line(line: str, told: str, file: Path) -> None:
    file.write_text(f'# mine\n[keys]\n"wizard.back" = "f3"\n{line}\n')
    (problem,) = keys.problems(load_settings().keys)
    assert told in str(problem)
    assert (problem.file, problem.line) == (str(file), 4)


def test_every_binding_and_every_key_that_is_used_is_known() -> None:
    """What the wizard itself binds is never called a slip."""
    names = keys._binding_names()
    assert {"wizard.next", "app.palette", "dialog.close", "findings.copy"} <= names
    assert keys.problems(dict.fromkeys(names, "f2")) == []
    used = [
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
    ]
    assert keys.problems({"wizard.next": ",".join(used)}) == []


@pytest.fixture
def misspelt(service: FakeService, file: Path) -> FakeService:
    file.write_text('[keys]\n"wizard.nxt" = "f2"\n')
    service.settings = load_settings()
    return service


@pytest.mark.asyncio
@pytest.mark.usefixtures("misspelt")
async def test_the_wizard_does_not_start_with_a_slip(ready_app: PoolwrightApp) -> None:
    async with ready_app.run_test(size=SIZE) as pilot:
        await _wait(
            pilot, lambda: ready_app.refused is not None, "refused"
        )  # an app that ends comes to no rest
    assert isinstance(ready_app.refused, SpecError)
    assert "did you mean 'wizard.next'?" in str(ready_app.refused)
    assert ready_app.return_value == 2
