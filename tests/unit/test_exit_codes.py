"""Exit codes are one enum: every outcome and error leads to one of them, and nothing returns a bare number."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from core.errors import ExitCode, PoolwrightError
from core.models.events import Outcome

ROOT = Path(__file__).resolve().parents[2]
BARE = re.compile(
    r"\bexit_code\b[^=\n]*=\s*\d|\b(sys\.exit|SystemExit|app\.exit)\(\d|\breturn (70|130|141)\b"
)


def test_the_numbers_are_the_ones_that_scripts_rely_on() -> None:
    assert {code.name: code.value for code in ExitCode} == {
        "DONE": 0, "REFUSED": 1, "BAD_INPUT": 2, "NEEDS_ATTENTION": 3, "INTERNAL": 70, "INTERRUPTED": 130, "PIPE": 141,
    }  # fmt: skip
    assert all(code.meaning.endswith(".") for code in ExitCode)


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_leads_to_one(outcome: Outcome) -> None:
    assert outcome.exit_code in (ExitCode.DONE, ExitCode.REFUSED, ExitCode.NEEDS_ATTENTION)


def test_every_error_leads_to_one() -> None:
    for name in ("core.runner.client", "core.reports.compat_build", "core.platforms.oracle_vm.platform"):
        import_module(name)  # with it, the errors of its rooms are known
    found = [PoolwrightError]
    for each in found:
        found += each.__subclasses__()
    assert len(found) > 20
    assert {type(each.exit_code) for each in found} == {ExitCode}


@pytest.mark.parametrize("room", ["core/cli", "core/runner", "core/reports", "tui"])
def test_no_program_returns_a_bare_number(room: str) -> None:
    """mypy refuses an int where ExitCode is returned; what it cannot see is looked for here."""
    files = sorted((ROOT / room).rglob("*.py"))
    assert files
    bare = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if BARE.search(line)
    ]
    assert not bare
