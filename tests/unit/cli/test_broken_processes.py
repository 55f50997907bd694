"""The rows of the table that need a process of their own: closed and full streams, limits, locales, other users."""

from __future__ import annotations

import codecs
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from core.cli.main import COMMANDS, main
from core.errors import ExitCode
from tests.unit.cli import broken
from tests.unit.cli.broken import CANARY, CHECK, RUN, SPEC, Row
from tests.unit.cli.test_broken import judge

SNOW = ("check", "\u2603\u00e9", "--json")
MISSING = ("check", "no such", "--json")
ANSWERS: dict[str, tuple[str, ...]] = {
    "version": ("version",),
    "schema": ("schema",),
    "runs": ("runs", "--json"),
    "checks": ("checks",),
    "explain": ("explain", "R001"),
    "help": ("--help",),
    "help of one": ("apply", "--help"),
}
NO_OUTPUT = {">&-": "it is closed", ">/dev/full": "no space left on device"}


@dataclass(frozen=True)
class Process:
    """One call in a process: how the shell starts it, and what must come of it."""

    name: str
    words: tuple[str, ...]
    shell: str = ""  # redirections
    before: str = ":"
    code: int = ExitCode.DONE
    says: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)


def process_rows() -> Iterator[Process]:
    """Streams, limits and locales."""
    for shell, why in NO_OUTPUT.items():
        for name, words in ANSWERS.items():
            says = ("cannot write to standard output", why)
            yield Process(f"{name} {shell}", words, shell, code=ExitCode.INTERNAL, says=says)
        yield Process(f"an error {shell}", MISSING, shell, code=ExitCode.BAD_INPUT, says=("no such file",))
        yield Process(f"version {shell} 2{shell}", ("version",), f"{shell} 2{shell}", code=ExitCode.INTERNAL)
    for shell in ("2>&-", "2>/dev/full"):
        yield Process(f"version {shell}", ("version",), shell, says=("poolwright ",))
        yield Process(f"an error {shell}", MISSING, shell, code=ExitCode.BAD_INPUT, says=("no such file",))
        yield Process(f"a wrong call {shell}", ("chek",), shell, code=ExitCode.BAD_INPUT)
    yield Process(
        "a reply from a closed input", ("decode", "discover_server", "-"), "<&-", says=("unreadable",)
    )
    yield Process(
        "a processor from a closed input", ("compat", "--cpuinfo", "-"), "<&-", code=ExitCode.BAD_INPUT
    )
    yield Process(
        "no password at a closed input",
        ("check", "spec.yaml"),
        "<&-",
        code=ExitCode.BAD_INPUT,
        says=("password",),
    )
    yield Process("everything closed", ("schema",), "<&- >&- 2>&-", code=ExitCode.INTERNAL)
    for number in (5, 6):
        before = f"ulimit -n {number}"
        limit = (f"limit of this process: {number}",)
        yield Process(
            f"a check with {number} descriptors", CHECK, before=before, code=ExitCode.INTERNAL, says=limit
        )
    for encoding in ("ascii", "latin-1"):
        env = {"PYTHONIOENCODING": encoding}
        yield Process(
            f"an error in {encoding}", SNOW, code=ExitCode.BAD_INPUT, says=("no such file",), env=env
        )
        yield Process(f"all checks in {encoding}", ("checks",), says=("R001",), env=env)
    for name, env in {
        "the C locale": {"LC_ALL": "C"},
        "the C locale in earnest": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        "a locale that is none": {"LANG": "xx_YY.nonsense"},
    }.items():
        yield Process(f"an error in {name}", SNOW, code=ExitCode.BAD_INPUT, says=("no such file",), env=env)


PROCESSES = list(process_rows())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    broken.place(tmp_path)
    return tmp_path


@pytest.mark.parametrize("row", PROCESSES, ids=[row.name for row in PROCESSES])
def test_what_a_process_meets_is_told(row: Process, folder: Path) -> None:
    script = f'{row.before} || exit 99; exec "$@" {row.shell}'
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LC_", "LANG", "POOLWRIGHT"))
    }
    env |= {"HOME": str(folder), "XDG_STATE_HOME": str(folder / "local"), "POOLWRIGHT_CHAP_PASSWORD": CANARY}
    root = Path(main.__code__.co_filename).parents[2]
    done = subprocess.run(
        ["sh", "-c", script, "sh", sys.executable, "-m", "tui", *row.words],
        cwd=folder,
        env={**env, "PYTHONPATH": str(root), **row.env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    out, err = (each.decode("utf-8", "backslashreplace") for each in (done.stdout, done.stderr))
    assert done.returncode == row.code, out + err
    both = out + err
    assert "Traceback" not in both
    assert "Exception ignored" not in both
    assert "Warning" not in both
    assert CANARY not in both
    for says in row.says:
        assert says in both, both


# -- another user --------------------------------------------------------------------------------------------------

NOBODY = 65534


@dataclass(frozen=True)
class Foreign:
    """One call as an unprivileged user, after the file or folder was given these rights and this owner."""

    name: str
    words: tuple[str, ...]
    path: str
    mode: int
    owner: int = 0
    code: int = ExitCode.BAD_INPUT
    says: str = ""


STATE = ("--state-dir", "state")
SETTINGS = "config/poolwright/settings.toml"
UNREADABLE = "no right to read it"
FOREIGN = (
    Foreign("runs in another's state folder", ("runs", *STATE), "state", 0o700, says="belongs to uid 0"),
    Foreign("show in another's state folder", ("show", RUN, *STATE), "state", 0o700, says="belongs to uid 0"),
    Foreign("check in another's state folder", CHECK, "state", 0o755, says="belongs to uid 0"),
    Foreign("runs below a closed folder", ("runs", "--state-dir", "state/x"), "state", 0o700, says="permission denied"),
    Foreign("check in a folder that is read-only", CHECK, "state", 0o500, NOBODY, says="state"),
    Foreign("runs in a folder that is read-only", ("runs", *STATE), "state", 0o500, NOBODY, ExitCode.DONE),
    Foreign("a spec without the right to read it", ("check", "spec.yaml"), "spec.yaml", 0o600, says=UNREADABLE),
    Foreign("passwords of another user", CHECK, "passwords", 0o600, says="passwords"),
    Foreign("facts without the right to read them", ("compat", "--facts", "facts"), "facts", 0, says=UNREADABLE),
    Foreign("settings without the right to read them", ("runs", *STATE), SETTINGS, 0, says=UNREADABLE),
    Foreign("settings in a folder without a way in", ("runs", *STATE), "config", 0o700, says=UNREADABLE),
)  # fmt: skip


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can enter; pytest's own are closed."""
    folder = Path(tempfile.mkdtemp(prefix="broken-"))
    folder.chmod(0o755)
    broken.place(folder)
    for path in folder.iterdir():
        path.chmod(0o644)
    (folder / "passwords").chmod(0o600)
    os.chown(folder / "passwords", NOBODY, NOBODY)
    (folder / "config/poolwright").mkdir(parents=True)
    (folder / "config/poolwright/settings.toml").touch()
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be somebody else")
@pytest.mark.parametrize("row", FOREIGN, ids=[row.name for row in FOREIGN])
def test_what_belongs_to_another_user_is_told(
    row: Foreign, open_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = open_folder / row.path
    if row.path == "state":
        path.mkdir()
    os.chown(path, row.owner, row.owner)
    path.chmod(row.mode)
    child = os.fork()
    if child == 0:
        _be_nobody(open_folder, row.words)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    shown = capfd.readouterr()
    judge(Row(row.name, row.words, row.code, (row.says,)), code, shown.out, shown.err)


def _be_nobody(folder: Path, words: tuple[str, ...]) -> None:
    """In the child: give up all rights, run the command, end with its code."""
    from importlib import import_module

    code = 99
    try:
        for name in COMMANDS:  # the checkout may be closed to others
            import_module(f"core.cli.commands.{name.replace('-', '_')}")
        import_module("core.service")
        codecs.lookup("utf-8-sig")
        import_module("core.platforms.oracle_vm.platform")
        os.chdir(folder)
        os.environ |= {
            "HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "POOLWRIGHT_CONNECT_S": "0.01",
        }
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        code = main(list(words))
    finally:
        os._exit(code)


def test_the_spec_of_these_rows_speaks_to_this_machine_alone() -> None:
    assert SPEC.count("127.0.0.1") == 3
