"""The command line's shell: finding commands, wrong calls, exit codes, where output goes."""

from __future__ import annotations

import ast
import json
import os
import re
from pathlib import Path

import pytest

from core.cli.commands import version
from core.cli.main import COMMANDS, main
from core.environment import take_secrets
from core.errors import ExitCode
from core.lab.scenario import servers_of

ROOT = Path(__file__).resolve().parents[3]


def test_help_lists_every_command_and_its_module_exists(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for name in COMMANDS:
        assert f"  {name} " in shown
        assert main([name, "--help"]) == 0


@pytest.mark.parametrize(
    "words", [[], ["chek"], ["check"], ["check", "a", "--wrong"], ["demo", "--servers", "x"]]
)
def test_a_wrong_call_is_exit_2_and_says_so_on_stderr(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    shown = capsys.readouterr()
    assert not shown.out
    assert "usage" in shown.err


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["check", "none.yaml", "--json"], "PW100", "there is no such file"),
        (["demo", "--json", "--scenario", "join-fails", "--servers", "1"], "PW700", "needs 3 to 220"),
    ],
)
def test_an_error_is_a_document_for_who_asked_for_one(
    words: list[str], code: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    shown = capsys.readouterr()
    error = json.loads(shown.out)
    assert (error["schema"], error["code"], error["exit_code"]) == ("poolwright.error/1", code, 2)
    assert told in error["message"]
    assert told in shown.err


@pytest.mark.parametrize(
    ("words", "title"),
    [
        (["rollback", "261201-120000-aa", "--yes"], "the command line is not usable (PW101)"),
        (["apply"], "the command line is not usable (PW101)"),
        (["explain", "nonsense.id"], "the command line is not usable (PW101)"),
        (["runs"], "the settings are not usable (PW102)"),
        (["approve", "plan.json", "--yes", "--approvals", "."], "the plan file is not usable (PW103)"),
        (["check", "plan.json"], "the pool description is not usable (PW100)"),
    ],
)
def test_the_title_names_what_is_wrong(
    words: list[str],
    title: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "plan.json").write_text("{}")
    if words == ["runs"]:
        (tmp_path / "poolwright").mkdir()
        (tmp_path / "poolwright/settings.toml").write_text("conect_s = 1\n")
    assert main([*words, "--yes"] if words == ["apply"] else words) == 2
    assert f"poolwright: {title}\n" in capsys.readouterr().err


def test_an_unknown_command_gets_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    main(["chek"])
    assert "did you mean 'check'?" in capsys.readouterr().err


def test_version_is_data_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("poolwright ")
    assert main(["version", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["schema"] == "poolwright.version/1"
    assert version.__doc__


def test_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "PoolSpec"


def test_a_bad_spec_is_exit_2_with_every_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "pool.yaml"
    spec.write_text("manager: {host: m}\npool: {nam: p}\nservers: []\n")
    assert main(["check", str(spec), "--state-dir", str(tmp_path / "state")]) == 2
    shown = capsys.readouterr()
    assert not shown.out
    assert "pool.yaml:2:8: pool.nam: there is no key 'nam'; did you mean 'name'?" in shown.err
    assert "servers: must not be empty" in shown.err
    assert "Traceback" not in shown.err


def test_secrets_leave_the_environment_when_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POOLWRIGHT_AGENT_PASSWORD", "quiet")
    assert take_secrets() == {"agent": "quiet"}
    assert "POOLWRIGHT_AGENT_PASSWORD" not in os.environ
    assert take_secrets() == {}, "handed out once"


def test_a_scenario_gets_as_many_servers_as_it_needs() -> None:
    """`poolwright demo --scenario disaster` without a number was refused."""
    assert [servers_of(name, None) for name in ("healthy-nfs", "disaster")] == [3, 12]
    assert servers_of("disaster", 20) == 20


@pytest.mark.parametrize("name", COMMANDS)
def test_no_option_may_be_abbreviated(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A new option would turn an old script's `--pass` into another one."""
    main([name, "--help"])
    options = sorted(set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", capsys.readouterr().out)))
    assert "--help" in options
    for option in options:
        short = next(option[:end] for end in range(3, len(option)) if option[:end] not in options)
        assert main([name, "x", "y", short]) == ExitCode.BAD_INPUT
        said = capsys.readouterr().err
        assert (
            "required" in said
            or "invalid choice" in said
            or short in said.rpartition("unrecognized arguments")[2]
        )


def test_every_parser_refuses_abbreviations() -> None:
    made = 0
    for path in (path for room in ("core", "tui", "scripts") for path in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in (
                "ArgumentParser",
                "add_parser",
            ):
                made += 1
                told = {word.arg: word.value for word in node.keywords}
                assert ast.unparse(told["allow_abbrev"]) == "False", path
    assert made >= 3
