"""Front ends are as tight as the runner: what a process gives away of its secrets, asked from inside each of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

SECRET = "swordfish-of-the-night"
PROBE = f"""
import ctypes, json, os, pathlib, resource, subprocess, sys
def probe(*_args, **_more):
    own = pathlib.Path("/proc/self/environ").read_bytes()
    child = subprocess.run([sys.executable, "-c", "import os; print(dict(os.environ))"],
                           capture_output=True, text=True, check=True).stdout
    print(json.dumps({{
        "core": resource.getrlimit(resource.RLIMIT_CORE),
        "dumpable": ctypes.CDLL(None).prctl(3, 0, 0, 0, 0),
        "name_in_proc": b"POOLWRIGHT_AGENT_PASSWORD" in own,
        "value_in_proc": {SECRET.encode()!r} in own,
        "in_environ": "POOLWRIGHT_AGENT_PASSWORD" in os.environ,
        "in_child": {SECRET!r} in child,
        "given": str(_more.get("secrets")),
    }}))
    return 0
"""
CLI = """
import types
import core.cli.main as program
program._command = lambda name: types.SimpleNamespace(add_arguments=lambda parser: None, run=probe)
sys.exit(program.main([WORD]))
"""
WIZARD = """
import tui.__main__ as program, tui.launch
program.has_terminal = lambda: True
tui.launch.open_wizard = probe
sys.exit(program.main(WORDS))
"""


def asked(code: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", PROBE + code],
        env={**os.environ, "POOLWRIGHT_AGENT_PASSWORD": SECRET},
        capture_output=True,
        text=True,
        check=True,
    )
    said: dict[str, Any] = json.loads(done.stdout)
    return said


@pytest.mark.parametrize(
    "code",
    [
        *(CLI.replace("WORD", repr(word)) for word in ("check", "apply", "demo", "rollback", "version")),
        WIZARD.replace("WORDS", "[]"),
        WIZARD.replace("WORDS", "['--plain']"),
    ],
    ids=["check", "apply", "demo", "rollback", "version", "wizard", "plain"],
)
def test_no_front_end_leaves_a_core_or_a_secret_to_others(code: str) -> None:
    said = asked(code)
    assert said["core"] == [0, 0]
    assert said["dumpable"] == 0
    assert not said["in_environ"]
    assert not said["in_child"], "a program that we start inherits no secret"
    assert said["name_in_proc"], "the name stays where the kernel put it"
    assert not said["value_in_proc"], "the value does not"


def test_the_wizard_is_given_what_the_environment_held() -> None:
    assert asked(WIZARD.replace("WORDS", "[]"))["given"] == "Secrets(agent)"
