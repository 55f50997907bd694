"""Who is asked, where, and what Ctrl-C does at each prompt: real processes on a pty, and without a terminal."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pexpect
import pytest
from ruamel.yaml import YAML

from core.cli.lab_process import RunningLab, lab_process
from core.errors import ExitCode
from core.models.events import Outcome
from core.paths import write_private
from core.runner import client

pytestmark = pytest.mark.timeout(1200)  # processes of their own, on a machine that may be busy
ROOT = Path(__file__).parents[2]
LIMIT_S = 120
ELSEWHERE = ">{folder}/out 2>{folder}/err"


@pytest.fixture(scope="module")
def lab() -> Iterator[RunningLab]:
    with lab_process("healthy-nfs", 2, speed=400) as running:
        yield running


@pytest.fixture(scope="module")
def half_made() -> Iterator[RunningLab]:
    with lab_process("sweep-half-made", 3, speed=400) as running:
        yield running


@dataclass(frozen=True)
class Desk:
    """A folder with the lab's spec, its passwords and a state folder."""

    lab: RunningLab
    folder: Path

    @property
    def spec(self) -> str:
        return str(self.lab.spec)

    @property
    def state(self) -> list[str]:
        return ["--state-dir", str(self.folder / "state")]

    @property
    def passwords(self) -> list[str]:
        path = self.folder / "passwords"
        if not path.exists():
            names = self.lab.secrets
            write_private(
                path, "".join(f"{name}: {names.get(name)}\n" for name in ("manager", "agent", "ssh"))
            )
        return ["--password-file", str(path)]

    @property
    def runs(self) -> list[str]:
        root = self.folder / "state"
        return [view.run for view in client.list_runs(root)] if root.exists() else []

    def unpinned(self) -> str:
        """The spec without fingerprints: every identity is a new one."""
        data = YAML(typ="safe").load(self.lab.spec.read_text(encoding="utf-8"))
        data["manager"].pop("fingerprint")
        for server in data["servers"]:
            server.pop("fingerprints", None)
        path = self.folder / "unpinned.yaml"
        with path.open("w", encoding="utf-8") as file:
            YAML().dump(data, file)
        if data.get("ssh", {}).get("key_file"):
            raise AssertionError("the lab's spec logs in with a password")
        return str(path)

    def sit(self, *words: str, redirect: str = "", program: str = "core.cli.main") -> pexpect.spawn[str]:
        """Start a command at a terminal of its own."""
        line = " ".join([f"exec {sys.executable} -m {program}", *words, redirect.format(folder=self.folder)])
        return pexpect.spawn(
            "sh", ["-c", line], cwd=str(ROOT), encoding="utf-8", timeout=LIMIT_S, dimensions=(40, 200)
        )

    def unattended(self, *words: str, **more: Any) -> subprocess.CompletedProcess[str]:
        """Run a command as a script does."""
        return subprocess.run(
            [sys.executable, "-m", "core.cli.main", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
            cwd=ROOT, timeout=LIMIT_S, check=False, **more,
        )  # fmt: skip


@pytest.fixture
def desk(lab: RunningLab, tmp_path: Path) -> Desk:
    return Desk(lab, tmp_path)


def ended(terminal: pexpect.spawn[str]) -> int | None:
    """Its exit code, once it has ended."""
    if terminal.isalive():
        terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.signalstatus is None, terminal.before
    return terminal.exitstatus


def plan_of(desk: Desk) -> str:
    path = desk.folder / "plan.json"
    done = desk.unattended("plan", desk.spec, *desk.passwords, *desk.state, "--output", str(path))
    assert done.returncode == ExitCode.DONE, done.stderr
    return str(path)


def words_for(prompt: str, desk: Desk) -> list[str]:
    """The command that comes to this prompt."""
    match prompt:
        case "secret":
            return ["check", desk.spec, *desk.state]
        case "trust":
            return ["check", desk.unpinned(), *desk.passwords, *desk.state]
        case "name":
            return ["apply", desk.spec, *desk.passwords, *desk.state]
        case _:
            (desk.folder / "approvals").mkdir()
            return ["approve", plan_of(desk), "--approvals", str(desk.folder / "approvals")]


WHOLE_PLAN = (
    "UNKNOWN  pool: The NFS share keeps root as root",  # what was found
    "create ServerPool",
    "delete ServerPool",
    "Know before you confirm:",
    "Cannot be verified with these connections",
    "hash ",
)
PROMPTS = {
    "secret": r"Password of \w+ on Manager: ",
    "trust": r"Type \d+ to trust all of these, anything else to stop: ",
    "name": r"Type the pool's name \(\w+\) to make it: ",
    "approve": r"Type the first \d+ characters of the hash \(\w+\) to approve this plan: ",
}


@pytest.mark.parametrize("redirect", ["", ELSEWHERE])
@pytest.mark.parametrize("prompt", PROMPTS)
def test_ctrl_c_at_a_prompt_ends_the_program_at_the_first_press(
    prompt: str, redirect: str, desk: Desk
) -> None:
    """It was taken note of only, and the name typed after it started the run."""
    terminal = desk.sit(*words_for(prompt, desk), redirect=redirect)
    terminal.expect(PROMPTS[prompt])
    terminal.sendintr()
    assert ended(terminal) == ExitCode.INTERRUPTED
    assert desk.runs == []
    assert not list(desk.folder.glob("approvals/*"))


def test_what_must_be_seen_to_answer_is_shown_where_the_question_is(desk: Desk) -> None:
    terminal = desk.sit(*words_for("trust", desk), redirect=ELSEWHERE)
    terminal.expect(PROMPTS["trust"])
    assert "(manager) shows" in str(terminal.before)
    terminal.sendline("no")
    assert ended(terminal) == ExitCode.REFUSED
    terminal = desk.sit(*words_for("name", desk), redirect=ELSEWHERE)
    terminal.expect(PROMPTS["name"])
    for part in WHOLE_PLAN:
        assert part in str(terminal.before)
    terminal.sendline("another")
    assert ended(terminal) == ExitCode.REFUSED
    assert desk.runs == []


@pytest.mark.parametrize("redirect", [">{folder}/both 2>&1", "2>{folder}/err"])
def test_no_plan_is_confirmed_that_the_terminal_did_not_show(redirect: str, desk: Desk) -> None:
    """Findings, steps, warnings, what cannot be observed and the hash, wherever standard error goes."""
    terminal = desk.sit(*words_for("name", desk), redirect=redirect)
    terminal.expect(PROMPTS["name"])
    for part in WHOLE_PLAN:
        assert part in str(terminal.before)
    terminal.sendline("another")
    assert ended(terminal) == ExitCode.REFUSED
    told = (desk.folder / redirect.split("/")[1].split()[0]).read_text(encoding="utf-8")
    assert "not confirmed; nothing was changed" in told
    assert desk.runs == []


def test_a_secret_is_not_echoed_and_the_terminal_echoes_again_afterwards(desk: Desk) -> None:
    terminal = desk.sit(*words_for("secret", desk))
    terminal.expect(PROMPTS["secret"])
    terminal.sendline("quiet;one")
    terminal.expect("Agent password: ")
    assert "quiet" not in str(terminal.before)
    terminal.sendintr()
    terminal.expect(pexpect.EOF)
    assert terminal.getecho()
    assert ended(terminal) == ExitCode.INTERRUPTED


def test_an_end_at_a_prompt_gives_the_terminal_back(desk: Desk) -> None:
    terminal = desk.sit(*words_for("secret", desk))
    terminal.expect(PROMPTS["secret"])
    terminal.kill(signal.SIGTERM)
    terminal.expect(pexpect.EOF)
    assert terminal.getecho()
    terminal.close()
    assert terminal.signalstatus == signal.SIGTERM


@pytest.mark.parametrize("answer", ["\x03", "pool2\n", "\x04"])
def test_left_overs_end_only_by_the_pools_name(answer: str, half_made: RunningLab, tmp_path: Path) -> None:
    desk = Desk(half_made, tmp_path)
    terminal = desk.sit("sweep", desk.spec, *desk.passwords, *desk.state, redirect=ELSEWHERE)
    terminal.expect(r"Type the dead pool's name \(pool1\) to end its left-overs: ")
    assert "delete ServerPool" in str(terminal.before)
    terminal.send(answer)
    assert ended(terminal) == (ExitCode.INTERRUPTED if answer == "\x03" else ExitCode.REFUSED)
    assert desk.runs == []


def test_a_script_learns_that_nothing_was_started(desk: Desk) -> None:
    terminal = desk.sit(*words_for("secret", desk), "--json", redirect=ELSEWHERE)
    terminal.expect(PROMPTS["secret"])
    terminal.sendintr()
    assert ended(terminal) == ExitCode.INTERRUPTED
    document = json.loads((desk.folder / "out").read_text(encoding="utf-8"))
    assert (document["exit_code"], document["continues"]) == (130, False)


def test_while_attached_ctrl_c_leaves_a_run_that_continues(desk: Desk) -> None:
    words = ["apply", desk.spec, *desk.passwords, *desk.state, "--json"]
    terminal = desk.sit(*words, redirect=f">{desk.folder}/out")
    terminal.expect(PROMPTS["name"])
    terminal.sendline("pool1")
    terminal.expect(r"run (\S+) has begun")
    assert isinstance(terminal.match, re.Match)
    run = str(terminal.match.group(1))
    terminal.sendintr()
    assert ended(terminal) == ExitCode.INTERRUPTED
    document = json.loads((desk.folder / "out").read_text(encoding="utf-8"))
    assert (document["run"], document["continues"]) == (run, True)
    attached = desk.unattended("attach", run, *desk.state)
    assert attached.returncode == ExitCode.DONE, attached.stderr
    undo(desk, run)


def undo(desk: Desk, run: str) -> None:
    """Take a created pool down again, so that the next test finds the lab free."""
    done = desk.unattended("rollback", run, *desk.passwords, *desk.state, "--yes", "--pool", "pool1")
    assert done.returncode == ExitCode.DONE, done.stderr


def made(desk: Desk) -> str:
    """A created pool; the run's id."""
    done = desk.unattended("apply", desk.spec, *desk.passwords, *desk.state, "--yes", "--json")
    assert done.returncode == ExitCode.DONE, done.stderr
    return str(json.loads(done.stdout)["run"])


def test_a_rollback_shows_what_goes_and_asks_for_the_name(desk: Desk) -> None:
    run = made(desk)
    words = ["rollback", run, *desk.passwords, *desk.state]
    prompt = "Type pool1 to roll back this run: "
    for answer, code in (("\x03", ExitCode.INTERRUPTED), ("pool2\n", ExitCode.REFUSED)):
        terminal = desk.sit(*words, redirect=ELSEWHERE)
        terminal.expect(prompt)
        seen = str(terminal.before)
        for fact in (
            f"Rollback of run {run}: pool pool1, created",
            "0 min ago",
            "members: 2: ",
            "VMs: none found",
        ):
            assert fact in seen
        assert "repositories: none found" in seen
        terminal.send(answer)
        assert ended(terminal) == code
        assert client.show_run(desk.folder / "state", run).outcome is Outcome.CREATED
    for wrong in (["--yes"], ["--yes", "--pool", "pool2"]):
        assert desk.unattended(*words, *wrong).returncode == ExitCode.BAD_INPUT
    terminal = desk.sit(*words)
    terminal.expect(prompt)
    terminal.sendline("pool1")
    terminal.expect(f"rollback of run {run} starts; Ctrl-C leaves it running")
    assert ended(terminal) == ExitCode.DONE
    assert client.show_run(desk.folder / "state", run).outcome is Outcome.ROLLED_BACK
    again = desk.unattended(*words, "--yes", "--pool", "pool1")
    assert again.returncode == ExitCode.REFUSED
    assert "nothing of it is left" in again.stderr


@pytest.mark.parametrize("command", ["apply", "approve", "rollback"])
def test_without_a_terminal_nothing_is_done_unconfirmed(command: str, desk: Desk) -> None:
    """One sentence and exit 2, before any secret is asked for and any server is spoken to."""
    words = {
        "apply": ["apply", desk.spec, *desk.state],
        "approve": ["approve", "none.json", "--approvals", str(desk.folder)],
        "rollback": ["rollback", "261201-120000-aa", *desk.state],
    }[command]
    done = desk.unattended(*words)
    assert done.returncode == ExitCode.BAD_INPUT
    assert "standard input is no terminal" in done.stderr
    assert "--yes" in done.stderr
    assert desk.runs == []
    assert not list(desk.folder.iterdir())


def test_nobody_else_asks_or_looks_for_a_terminal() -> None:
    """One place asks, so that no prompt can have its own idea of Ctrl-C or of where the operator sits."""
    asks = re.compile(r"\binput\(|getpass|stdin\.readline|isatty\(")
    found = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "core").rglob("*.py")
        if "core/lab/" not in str(path) and asks.search(path.read_text(encoding="utf-8"))
    }
    assert found == {
        "core/cli/asking.py",
        "core/cli/following.py",  # a word typed while a run asks; Ctrl-C there only detaches
        "core/cli/commands/demo.py",  # wizard or lines
    }
