"""What outlives a logout under a real logind, and that poolwright says exactly that beforehand.

One emulated machine with systemd, seven users who log in by SSH through PAM: each starts a process as poolwright starts
a runner, and logs out.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import subprocess
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from tests.real import machines
from tests.real.machines import IMAGE, Lab, Machine, running_lab, why_not
from tests.real.processes import PATH

ROOT = Path(__file__).parents[2]
USED = (
    *("core/__init__.py", "core/runner/__init__.py", "core/runner/survival.py", "core/runner/hardening.py"),
    *("tests/__init__.py", "tests/real/__init__.py"),
    *(f"tests/real/session_{part}.py" for part in ("begin", "runner", "end")),
)
BUILD_S = 300
pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(bool(why_not()), reason=why_not() or "-"),
]


@dataclass(frozen=True)
class Case:
    """A user, how the run is started, and what must become of it."""

    user: str
    survives: bool
    says: str  # words that the operator is told
    shell: str = "{}"


BEGIN = "python3 -m tests.real.session_begin"
CASES = [
    Case("left", True, "logind leaves processes alone"),  # KillExcludeUsers
    Case("killed", False, "it will not outlive this session"),
    Case("lingers", True, "which stays after logout (linger)"),
    Case("norun", False, "systemd-run does not work here"),  # lingers, but may not call systemd-run
    Case("unit", False, "ends at your last logout", "systemd-run --user --scope --quiet {}"),
    Case("muxed", False, "tmux included", "tmux new-session -d '{} > ~/said'; {wait}"),
]
PLAIN = Case("plain", True, "logind leaves processes alone")  # once logind is told KillUserProcesses=no


def session_image(base: Path) -> Path:
    """The machine's image beside the one it takes its kernel from; about half a minute the first time."""
    digest = hashlib.sha256((IMAGE / "session.sh").read_bytes()).hexdigest()[:12]
    folder = base.with_name(f"{base.name}-session-{digest}")
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            done = subprocess.run(
                ["setpriv", "--pdeathsig", "TERM", "bash", str(IMAGE / "session.sh"), str(base), str(folder)],
                capture_output=True, text=True, check=False, timeout=BUILD_S, env={"PATH": PATH, "LC_ALL": "C"},
            )  # fmt: skip
            if done.returncode:
                raise RuntimeError(f"the image could not be built: {done.stderr[-400:]}")
    return folder


def packed() -> bytes:
    """What runs there, as it lies here."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as archive:
        for name in USED:
            archive.add(ROOT / name, f"opt/poolwright/{name}")
    return held.getvalue()


class Station:
    """The running machine and its users."""

    def __init__(self, lab: Lab, machine: Machine) -> None:
        self.lab, self.machine = lab, machine

    def login(self, user: str, command: str, given: bytes | None = None) -> str:
        """A whole session of a user, from login to logout."""
        words = [
            *("ssh", "-q", "-i", str(self.lab.key_file), "-p", str(self.lab.ports[self.machine.address])),
            *("-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no"),
            *("-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=60", f"{user}@127.0.0.1", command),
        ]
        done = subprocess.run(words, input=given, capture_output=True, check=False, timeout=400)
        assert done.returncode == 0, (user, command, done.stderr.decode(), done.stdout.decode())
        return done.stdout.decode()

    def root(self, command: str, given: bytes | None = None) -> str:
        return self.login("root", command, given)

    def begin(self, case: Case) -> dict[str, Any]:
        """Log in, start a process, log out; what was said of it."""
        command = case.shell.format(BEGIN, wait="until [ -s ~/said ]; do sleep 0.2; done; cat ~/said")
        said = self.login(case.user, f"cd /opt/poolwright && {command}")
        return dict(json.loads(said.splitlines()[-1]))

    def end(self, *cases: Case) -> dict[str, list[str]]:
        """Whose process was alive after everybody had left, and whose came to an end of its own."""
        dying = [case.user for case in cases if not case.survives]
        living = [case.user for case in cases if case.survives]
        words = " ".join((*dying, "-", *living))
        return dict(json.loads(self.root(f"cd /opt/poolwright && python3 -m tests.real.session_end {words}")))


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    folder, machine = tmp_path_factory.mktemp("logind"), Machine(1, memory_mib=640, cpu="max")
    with ExitStack() as stack:
        try:
            image = session_image(machines.image_folder())
            stack.enter_context(patch.object(machines, "image_folder", lambda: image))
            lab = stack.enter_context(running_lab(folder, [machine]))
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            pytest.skip(f"no machine with logind here: {error}")
        one = Station(lab, machine)
        one.root("tar -C / -xzf -", packed())
        one.root("loginctl enable-linger lingers && loginctl enable-linger norun")
        yield one


def judged(cases: list[Case], said: dict[str, dict[str, Any]], seen: dict[str, list[str]]) -> None:
    """What was seen is what was said."""
    for case in cases:
        told = said[case.user]
        assert told["started"] == "begun", (case, told)
        assert told["survives"] is case.survives, (case, told)
        assert case.says in " ".join((told["text"], *told["warnings"])), (case, told)
    survivors = sorted(case.user for case in cases if case.survives)
    assert seen == {"alive": survivors, "done": survivors}


def test_what_survives_a_logout_is_what_was_said(station: Station) -> None:
    with ThreadPoolExecutor(3) as pool:  # their sessions overlap, as people's do
        said = dict(zip([case.user for case in CASES], pool.map(station.begin, CASES), strict=True))
    assert said["lingers"]["way"] == "scope"
    assert {one["way"] for user, one in said.items() if user != "lingers"} == {"detached"}
    judged(CASES, said, station.end(*CASES))


def test_where_logind_kills_nobody_the_run_survives_as_said(station: Station) -> None:
    place = "/etc/systemd/logind.conf.d/test.conf"
    station.root(
        f"sed -i s/KillUserProcesses=yes/KillUserProcesses=no/ {place} && systemctl restart systemd-logind"
    )
    said = {PLAIN.user: station.begin(PLAIN)}
    judged([PLAIN], said, station.end(PLAIN))
