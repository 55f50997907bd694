"""What importing loads: core stands without a screen, and help is quick because it loads almost nothing."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys

import pytest

import core


def modules_after(code: str) -> set[str]:
    """Names in sys.modules after running `code` in a fresh interpreter."""
    script = f"{code}\nimport sys, json\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def quietly(module: str, words: list[str]) -> str:
    """Code that runs a command line without letting it print."""
    return (
        f"import io, contextlib\nfrom {module} import main\n"
        f"with contextlib.redirect_stdout(io.StringIO()): main({words!r})"
    )


def every_module_of_core() -> list[str]:
    return [
        found.name
        for found in pkgutil.walk_packages(core.__path__, "core.")
        if not found.name.endswith("__main__")
    ]


def test_all_of_core_loads_neither_textual_nor_rich() -> None:
    loaded = modules_after("import " + ", ".join(every_module_of_core()))
    assert "core.service" in loaded
    assert not {name for name in loaded if name.partition(".")[0] in ("textual", "rich", "tui")}


@pytest.mark.parametrize("words", [["--help"], ["check", "--help"], ["apply", "--help"], ["lab", "--help"]])
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    loaded = {name.partition(".")[0] for name in modules_after(quietly("core.cli.main", words))}
    assert not loaded & {"pydantic", "asyncssh", "textual", "rich", "cryptography", "ruamel", "h11"}


def test_the_program_reaches_a_command_without_the_screen() -> None:
    loaded = {name.partition(".")[0] for name in modules_after(quietly("tui.__main__", ["version"]))}
    assert not loaded & {"textual", "rich", "asyncssh"}
