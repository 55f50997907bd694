"""A check on too few file handles ends with one error about this machine, and judges nobody."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core import own_limit
from core.checks.runner import run_one
from core.errors import ConnectFailed, ExitCode, OwnLimit
from core.files import FileError, read_text
from core.transports.base import Endpoint
from core.transports.wire import connect_failed
from tests.unit.checks.builders import REGISTRY, context, server

pytestmark = pytest.mark.timeout(480)  # a lab of its own, on a machine that may be busy

SERVERS = 2
Check = Callable[[int], subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def check(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Check]:
    """`poolwright check` of a healthy fleet with so many file handles."""
    folder = tmp_path_factory.mktemp("lab")
    ready = folder / "ready.json"
    words = ("-m", "core.lab", "--servers", str(SERVERS), "--ready-file", str(ready), "--with-parent")
    with subprocess.Popen(
        [sys.executable, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as lab:
        assert lab.stdout is not None
        assert lab.stdout.readline(), "the lab has ended"
        told = json.loads(ready.read_text())
        env = {
            f"POOLWRIGHT_{name.upper()}_PASSWORD": told[name]["password"]
            for name in ("manager", "agent", "ssh")
        }
        env |= {"XDG_STATE_HOME": str(folder / "state"), "XDG_CONFIG_HOME": str(folder)}

        def run(handles: int) -> subprocess.CompletedProcess[str]:
            script = f'ulimit -n {handles}; exec "$@"'
            words = (sys.executable, "-m", "core.cli.main", "check", told["spec"])
            return subprocess.run(
                ["sh", "-c", script, "sh", *words],
                env={**os.environ, **env},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )

        yield run
        lab.terminate()


@pytest.mark.parametrize("handles", [10, 13, 16, 18])
def test_too_few_handles_are_this_machines_limit_and_nobody_is_judged(handles: int, check: Check) -> None:
    done = check(handles)
    said = done.stdout + done.stderr
    assert done.returncode == ExitCode.BAD_INPUT, said
    assert f"this machine's limit of open files is {handles}" in said
    assert "ulimit -n 4096" in said
    assert said.count("(PW115)") == 1
    assert "OSError" not in said
    assert not any(word in said for word in ("UNKNOWN", "FAIL", "the pool can"))


def test_what_is_said_to_be_needed_is_enough(check: Check) -> None:
    done = check(own_limit.need(SERVERS))
    assert done.returncode == ExitCode.DONE, done.stdout + done.stderr


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE])
def test_it_is_found_in_causes_and_groups_and_every_other_error_stays(number: int) -> None:
    mine = OSError(number, os.strerror(number))
    wrapped = FileError(Path("x"), "too many")
    wrapped.__cause__ = mine
    for error in (mine, wrapped, ExceptionGroup("two", [ValueError("x"), wrapped])):
        with pytest.raises(OwnLimit, match="no server was judged"), own_limit.told(3):
            raise error
    with pytest.raises(ValueError, match="a bug"), own_limit.told(3):
        raise ValueError("a bug")


def test_what_was_met_inside_and_swallowed_is_told_at_the_end() -> None:
    endpoint = Endpoint("s1", "ssh", "127.0.0.1", "127.0.0.1", 9, "ssh")
    with pytest.raises(OwnLimit), own_limit.told(1):
        assert isinstance(connect_failed(endpoint, OSError(errno.EMFILE, "x")), ConnectFailed)
    with own_limit.told(1):
        assert isinstance(connect_failed(endpoint, ConnectionRefusedError()), ConnectFailed)


def test_a_file_of_ours_that_cannot_be_opened_counts_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "open", _exhausted)
    with pytest.raises(OwnLimit), own_limit.told(1), pytest.raises(FileError):
        read_text(tmp_path / "pins", 10)


def test_a_check_that_cannot_read_its_own_table_judges_nobody() -> None:
    blind = replace(REGISTRY.checks["server.hostname.loopback"], function=_exhausted)
    ctx = context(server(1))
    (name,) = ctx.fleet.servers
    result = run_one(blind, ctx, name)
    assert (result.verdict, result.gaps[0].kind) == ("unknown", "not_asked")
    assert "OSError" not in result.detail
    assert "ulimit" in result.fix
    with pytest.raises(OwnLimit), own_limit.told(1):
        run_one(blind, ctx, name)


def _exhausted(*_args: object, **_more: object) -> Any:
    raise OSError(errno.EMFILE, "Too many open files")
