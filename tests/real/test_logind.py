"""What outlives a logout under a real logind, and that poolwright says exactly that beforehand.

One emulated machine with systemd, seven users who log in by SSH through PAM, each starts a real runner and logs out.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.real import machines
from tests.real.machines import IMAGE, Lab, Machine, NoMachines, why_not
from tests.real.processes import PATH

ROOT = Path(__file__).parents[2]
LIBRARIES = (
    "_cffi_backend*.so", "annotated_types", "asyncssh", "cryptography", "platformdirs", "pydantic", "pydantic_core",
    "pydantic_settings", "typing_extensions.py", "typing_inspection", "dotenv", "defusedxml", "h11",
)  # fmt: skip
BUILD_S = 300
DEBIAN = (3, 11)  # Debian 12's Python, which must be able to load this one's extensions
WHY_NOT = why_not() or (
    "" if sys.version_info[:2] == DEBIAN else "needs Python 3.11: its libraries are used in Debian 12"
)
pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "-"),
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
                raise NoMachines(f"the image could not be built: {done.stderr[-400:]}")
    return folder


def packed() -> bytes:
    """poolwright, its libraries and the toys, as they lie here."""
    site = Path(pytest.__file__).parents[1]
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz", compresslevel=1) as archive:
        for pattern in LIBRARIES:
            for path in site.glob(pattern):
                archive.add(path, f"usr/lib/python3/dist-packages/{path.name}")
        archive.add(ROOT / "core", "opt/poolwright/core")
        for name in ("__init__.py", "engine", "real"):
            archive.add(ROOT / "tests" / name, f"opt/poolwright/tests/{name}")
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
        """Log in, start a held run, log out; what was said of it."""
        command = case.shell.format(BEGIN, wait="until [ -s ~/said ]; do sleep 0.2; done; cat ~/said")
        said = self.login(case.user, f"cd /opt/poolwright && {command}")
        return dict(json.loads(said.splitlines()[-1]))

    def end(self, *cases: Case) -> dict[str, dict[str, Any]]:
        """What became of the runs after everybody had left."""
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
            lab = machines._started(stack, folder, [machine], image)
        except (NoMachines, OSError, RuntimeError, subprocess.SubprocessError) as error:
            pytest.skip(f"no machine with logind here: {error}")
        one = Station(lab, machine)
        one.root("tar -C / -xzf -", packed())
        one.root("loginctl enable-linger lingers && loginctl enable-linger norun")
        yield one


def judged(cases: list[Case], said: dict[str, dict[str, Any]], seen: dict[str, dict[str, Any]]) -> None:
    """What was seen is what was said, and no run is lost."""
    for case in cases:
        told, became = said[case.user], seen[case.user]
        words = " ".join((told["text"], *told["warnings"]))
        assert told["survives"] is case.survives, (case, told)
        assert case.says in words, (case, told)
        assert became["survived"] is case.survives, (case, told, became)
        if case.survives:
            assert (became["outcome"], became["steps"]) == ("created", ["done", "done"]), (case, became)
        else:  # interrupted, with what it had done on disk: it can be resumed
            assert became["outcome"] is None, (case, became)
            assert became["steps"][0] == "done", (case, became)


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
