"""A bug in the runner or in the lab: one line for who waits, and a report that holds no secret."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import ExitCode
from core.runner import client
from tests.engine.runs import CANARY, all_events, gone, start
from tests.engine.toy_platform import toy_document

BROKEN_LAB = """
import sys
from core.lab import __main__ as lab
def broken(*args, **kwargs):
    raise ZeroDivisionError("a bug of the test")
lab.run_lab = broken
sys.exit(lab.main())
"""


@pytest.mark.asyncio
async def test_a_runner_that_dies_of_a_bug_says_where_its_report_is(tmp_path: Path) -> None:
    state = tmp_path / "state"
    run = await start(state, toy_document(tmp_path, login="bug"))
    await all_events(state, run)
    await gone(state, run)
    message = client.show_run(state, run).message
    report = re.search(r"internal error: ValueError: no login with \*+ .*the report is in (\S+?);", message)
    assert report, message
    text = Path(report[1]).read_text()  # noqa: ASYNC240 - one small file
    assert Path(report[1]).parent == state
    assert "Traceback" in text
    assert "in open_world" in text
    assert CANARY not in text + message


def test_a_lab_that_dies_of_a_bug_is_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BROKEN_LAB, "--servers", "3"],
        env={"PATH": "", "PYTHONPATH": ":".join(sys.path), "POOLWRIGHT_STATE_DIR": str(tmp_path / "state")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ExitCode.INTERNAL
    (line,) = done.stderr.splitlines()
    assert "internal error: ZeroDivisionError: a bug of the test" in line
    assert list((tmp_path / "state").glob("poolwright-crash-*.txt"))
