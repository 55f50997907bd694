"""The lab as a process of its own, for the demo: started, waited for, ended with us."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from core.errors import LabError
from core.secrets import Secrets

START_LIMIT_S = 60.0
END_LIMIT_S = 20.0  # for the fleet and for runners that are ended with it
READY = "ready.json"


@dataclass(frozen=True, slots=True)
class RunningLab:
    """A lab that listens: where its spec stands and its throw-away secrets."""

    spec: Path
    secrets: Secrets
    ready: dict[str, Any]
    folder: Path


@contextlib.contextmanager
def lab_process(scenario: str, servers: int, *, speed: float = 1.0) -> Iterator[RunningLab]:
    """Start the simulated fleet and end it on leaving, with its folder and every runner that works there.

    LabError says why it did not start. The child cleans up by itself when this process is killed.
    """
    folder = Path(tempfile.mkdtemp(prefix="poolwright-"))
    try:
        with tempfile.TemporaryFile() as errors, _child(folder, scenario, servers, speed, errors) as process:
            ready = _wait(process, folder / READY, errors)
            secrets = Secrets(
                {
                    "manager": ready["manager"]["password"],
                    "agent": ready["agent"]["password"],
                    "ssh": ready["ssh"]["password"],
                    **ready.get("secrets", {}),
                }
            )
            yield RunningLab(Path(ready["spec"]), secrets, ready, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _child(
    folder: Path, scenario: str, servers: int, speed: float, errors: IO[bytes]
) -> Iterator[subprocess.Popen[bytes]]:
    command = [
        sys.executable, "-m", "core.cli.lab_child", str(folder), "--scenario", scenario, "--servers", str(servers),
        "--ready-file", str(folder / READY), "--with-parent", "--speed", str(speed),
    ]  # fmt: skip
    process = subprocess.Popen(  # noqa: S603 - our own program, arguments as a list
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=errors,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.stdin is not None:
            process.stdin.close()  # the lab ends with its parent
        try:
            process.wait(timeout=END_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], ready_file: Path, errors: IO[bytes]) -> dict[str, Any]:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        if ready_file.exists():
            document: dict[str, Any] = json.loads(ready_file.read_text(encoding="utf-8"))
            return document
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.05)
            errors.seek(0)
            said = errors.read().decode("utf-8", "replace").strip().splitlines()
            raise LabError(said[-1] if said else f"cannot start the lab: it ended with {process.returncode}")
    raise LabError(f"cannot start the lab: nothing listened within {START_LIMIT_S:g} s")
