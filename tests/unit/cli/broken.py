"""Rows of tests.unit.cli.test_broken: what is broken, which command meets it, and what the operator is told."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from core.engine.journal import Entry, Journal
from core.errors import ExitCode
from core.models.events import EventKind, RunState
from core.paths import StatePaths
from tests.engine.toys import toy_plan

CANARY = "Kanarie-0815-zwitscher"
NAMED = "the-named-file"
SPEC = """\
manager: {host: 127.0.0.1, port: 1}
pool:
  name: prod-pool
  virtual_ip: 192.0.2.100
  file_system: {kind: nfs, server: 192.0.2.9, export: /pool}
servers:
  - {address: 192.0.2.11, connect: {agent: "127.0.0.1:1"}}
  - {address: 192.0.2.12, connect: {agent: "127.0.0.1:1"}}
"""
FACTS = json.dumps({"servers": {"a": {"address": "a"}, "b": {"address": "b"}}})
CPUINFO = (
    "processor : 0\nvendor_id : GenuineIntel\ncpu family : 6\nmodel : 63\nmodel name : x\nflags : fpu vme\n"
)
Make = Callable[[Path], object]


@dataclass(frozen=True)
class Row:
    """One call: what was broken before it, its words, and what must come of it."""

    name: str
    words: tuple[str, ...]
    code: int = ExitCode.BAD_INPUT
    says: tuple[str, ...] = ()  # each must stand in what is shown
    make: Callable[[Path], object] = lambda folder: None  # `folder` is where the call happens
    env: dict[str, str | None] = field(default_factory=dict)  # None: not there
    is_json: bool = False  # the answer is one JSON document


# -- files that are named ------------------------------------------------------------------------------------------


def _huge(path: Path) -> None:
    path.touch()
    os.truncate(path, 1 << 40)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(os.path.relpath(path))  # a socket's path is short


def _text(text: str) -> Make:
    return lambda path: path.write_text(text)


@dataclass(frozen=True)
class Kind:
    """A way in which a file is broken; `says` by what it is read as, "" for all."""

    make: Make
    says: str
    is_content: bool = False  # it can be read, but what it says is wrong


UNREADABLE = {
    "missing": Kind(lambda path: None, "no such file"),
    "a folder": Kind(lambda path: path.mkdir(), "neither a file|a folder"),
    "a silent pipe": Kind(os.mkfifo, "nobody wrote"),
    "a device": Kind(lambda path: path.symlink_to("/dev/zero"), "neither a file|a device"),
    "a socket": Kind(_socket, "a socket|no such device"),
    "a link to itself": Kind(lambda path: path.symlink_to(path), "symbolic links"),
    "endless": Kind(_huge, "larger than"),
}
NO_TEXT = {
    "not UTF-8": Kind(lambda path: path.write_bytes(b"manager: x\n\xff\xfa\n"), "not UTF-8|looking at"),
    "UTF-16": Kind(lambda path: path.write_text("manager: x\n", encoding="utf-16"), "UTF-16"),
    "binary": Kind(lambda path: path.write_bytes(b"\x7fELF\x00\x01\x02" * 9), "NUL byte|not UTF-8"),
}
CONTENT = {
    "empty": Kind(Path.touch, ""),
    "a mark and nothing": Kind(lambda path: path.write_bytes(b"\xef\xbb\xbf"), ""),
    "prose": Kind(_text("To be, or not to be: that is the question.\n" * 3), ""),
    "cut": Kind(_text('{"servers": {"a": ['), ""),
    "brackets without end": Kind(_text("[" * 5_000), ""),
    "braces without end": Kind(_text('{"a":' * 5_000), ""),
    "brackets closed": Kind(_text("[" * 3_000 + "]" * 3_000), ""),
    "a number without end": Kind(_text('{"version": ' + "9" * 10_000 + "}"), ""),
    "a list": Kind(_text("[1, 2, 3]\n"), ""),
    "escapes": Kind(_text("\x1b]0;owned\x07\x1b[2J\u202e: \x9b31m\n"), ""),
}
YAML_ONLY = {
    "aliases that multiply": Kind(
        _text("a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
            f"{chr(98 + at)}: &{chr(98 + at)} [{','.join(['*' + chr(97 + at)] * 9)}]\n" for at in range(9)
        )), "remove the aliases"),
    "merges that multiply": Kind(
        _text("a0: &a0 {k: 1, j: 1}\n" + "".join(
            f"a{at}: &a{at}\n  <<: [{', '.join([f'*a{at - 1}'] * 4)}]\n" for at in range(1, 14)
        )), "remove the aliases"),
    "a merge of itself": Kind(_text("x: &x\n  <<: *x\n"), "stands within what it names"),
    "a tag": Kind(_text("a: !!python/object/apply:os.system ['id']\n"), "carries a tag"),
    "two documents": Kind(_text("a: 1\n---\nb: 2\n"), "second document"),
    "a key twice": Kind(_text("a: 1\na: 2\n"), "stands in line 1 already"),
    "half a character": Kind(_text('a: "\\ud800"\n'), "half a character"),
    "unknown keys": Kind(_text("servers: [a]\n" + "".join(f"k{at}: 1\n" for at in range(300))), "more problems"),
}  # fmt: skip


@dataclass(frozen=True)
class Reader:
    """A command that reads the file NAMED of the folder; other files of it are good."""

    name: str
    words: tuple[str, ...]
    code: int = ExitCode.BAD_INPUT
    file: str = NAMED
    tolerant: bool = False  # any content has an answer
    is_text: bool = True  # bytes that are no text have an error of their own
    is_json: bool = True
    where: str = ""  # what the error names; the file's name if empty
    env: dict[str, str | None] = field(default_factory=dict)


CHECK = ("check", "spec.yaml", "--state-dir", "state", "--password-file", "passwords")
READERS = (
    Reader("check's spec", ("check", NAMED)),
    Reader("plan's spec", ("plan", NAMED)),
    Reader("apply's spec", ("apply", NAMED, "--yes")),
    Reader("sweep's spec", ("sweep", NAMED)),
    Reader("compat's spec", ("compat", NAMED)),
    Reader("passwords", ("check", "spec.yaml", "--password-file", NAMED)),
    Reader("known hosts", (*CHECK, "--known-hosts", NAMED), ExitCode.REFUSED, tolerant=True),
    Reader("pins", CHECK, ExitCode.REFUSED, file="state/pins.json"),
    Reader("apply's plan", ("apply", "--plan", NAMED, "--yes")),
    Reader("approve's plan", ("approve", NAMED, "--approvals", ".", "--yes"), is_json=False),
    Reader("facts", ("compat", "--facts", NAMED), is_text=False),
    Reader("a processor", ("compat", "--cpuinfo", NAMED), is_text=False),
    Reader("a server to add", ("compat", "--cpuinfo", "good", "--what-if-add", NAMED), is_text=False),
    Reader(
        "groups", ("migrate-check", "p", "--from", "a", "--to", "b", "--facts", "facts", "--groups", NAMED)
    ),
    Reader("a reply", ("decode", "discover_server", NAMED), tolerant=True, is_text=False),
    Reader("a transcript", ("decode", "manager", NAMED), tolerant=True, is_text=False),
    Reader("settings", ("runs",), file="config/poolwright/settings.toml"),
    Reader("a scenario", ("demo", "--headless", "--scenario", f"{NAMED}.toml"), file=f"{NAMED}.toml"),
)
TOLERATED_BY_SETTINGS = frozenset({"missing", "empty", "a mark and nothing"})


def file_rows() -> Iterator[Row]:
    """Each command that reads a file, with each way in which that file can be broken."""
    for reader in READERS:
        kinds = UNREADABLE | (NO_TEXT if reader.is_text else {}) | CONTENT
        if reader.name == "check's spec":
            kinds |= YAML_ONLY
        for name, kind in kinds.items():
            yield _file_row(reader, name, kind)


def _file_row(reader: Reader, name: str, kind: Kind) -> Row:
    is_fine = reader.name in ("settings", "pins") and name in TOLERATED_BY_SETTINGS
    if reader.name == "pins" and name in ("empty", "a mark and nothing"):
        is_fine = False
    if reader.name == "passwords" and name in ("empty", "a mark and nothing"):  # then a secret is missing
        return Row(f"{reader.name}: {name}", _json(reader), says=("password",), make=_broken(reader, kind))
    if (reader.tolerant and name in CONTENT and reader.code == ExitCode.BAD_INPUT) or is_fine:
        code = ExitCode.DONE if reader.name != "pins" else reader.code
        return Row(
            f"{reader.name}: {name}", _json(reader), code, make=_broken(reader, kind), is_json=reader.is_json
        )
    where = "" if reader.tolerant and (name in CONTENT or name == "not UTF-8") else Path(reader.file).name
    says = tuple(text for text in (where, kind.says) if text)
    return Row(
        f"{reader.name}: {name}",
        _json(reader),
        reader.code,
        says,
        _broken(reader, kind),
        is_json=reader.is_json,
    )


def _json(reader: Reader) -> tuple[str, ...]:
    return (*reader.words, "--json") if reader.is_json else reader.words


def _broken(reader: Reader, kind: Kind) -> Make:
    def make(folder: Path) -> None:
        path = folder / reader.file
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        kind.make(path)
        if reader.name == "passwords" and path.is_file():
            path.chmod(0o600)

    return make


def place(folder: Path) -> None:
    """The good files beside the broken one."""
    (folder / "spec.yaml").write_text(SPEC)
    passwords = folder / "passwords"
    passwords.write_text(f"manager: {CANARY}\nagent: {CANARY}\n")
    passwords.chmod(0o600)
    (folder / "facts").write_text(FACTS)
    (folder / "good").write_text(CPUINFO)


# -- journals ------------------------------------------------------------------------------------------------------

RUN = "261122-150445-k3"


def _begun(folder: Path) -> Path:
    """A run with a history and a good name; its journal."""
    paths = StatePaths(folder / "state")
    journal = Journal.create(paths, toy_plan("a > b"), spec={"servers": ["a"]})
    journal.write(Entry(EventKind.RUN_STATE, state=RunState.RUNNING))
    run = journal.head.run
    journal.close()
    with closing(sqlite3.connect(paths.journal(run), isolation_level=None)) as db:
        db.execute("UPDATE run SET id = ?", (RUN,))
    paths.run(run).rename(paths.run(RUN))
    return paths.journal(RUN)


def _instead(make: Make) -> Make:
    def harm(journal: Path) -> None:
        journal.unlink()
        make(journal)

    return harm


def _sql(statement: str) -> Make:
    def harm(journal: Path) -> None:
        with closing(sqlite3.connect(journal, isolation_level=None)) as db:
            db.executescript(statement)

    return harm


def _changed(at: int, content: bytes) -> Make:
    def harm(journal: Path) -> None:
        whole = bytearray(journal.read_bytes())
        whole[at : at + len(content)] = content
        journal.write_bytes(whole)

    return harm


HARMS: dict[str, Make] = {
    "is gone": Path.unlink,
    "is a folder": _instead(lambda path: path.mkdir()),
    "is a pipe": _instead(os.mkfifo),
    "is a link": _instead(lambda path: path.symlink_to("/etc/passwd")),
    "is empty": _instead(lambda path: path.touch(0o600)),
    "is prose": lambda path: path.write_text("no journal at all\n" * 500),
    "is cut": lambda path: os.truncate(path, 5000),
    "can be read by others": lambda path: path.chmod(0o644),
    "has another mark": _changed(0, b"SQLote"),
    "has zeros in a page": _changed(4096, bytes(4096)),
    "is of a later version": _sql("PRAGMA user_version = 99"),
    "is another program's": _sql("PRAGMA application_id = 1"),
    "has no run": _sql("DELETE FROM run"),
    "has no table": _sql("DROP TABLE events"),
    "has a plan that is none": _sql("UPDATE run SET plan = '{'"),
    "has a deep plan": _sql("UPDATE run SET plan = '" + "[" * 5000 + "'"),
    "has a plan of bytes": _sql("UPDATE run SET plan = x'fffe00'"),
    "lacks an event": _sql("INSERT INTO events VALUES (9, '2026-11-22T15:04:45+00:00', 'note', '', '', '', '{}')"),
    "has a strange event": _sql("UPDATE events SET state = 'flying'"),
    "names another run": _sql("UPDATE run SET id = '261122-150445-zz'"),
}  # fmt: skip
CONTINUING_HARMS: dict[str, Make] = {
    "has a spec that is none": _sql("UPDATE run SET platform = 'oracle_vm', spec = '{\"servers\": 1}'"),
    "has a spec of another shape": _sql("UPDATE run SET platform = 'oracle_vm', spec = '[1]'"),
    "has no spec": _sql("UPDATE run SET platform = 'oracle_vm', spec = 'null'"),
}
ASKING = {
    "show": ("show", RUN),
    "attach": ("attach", RUN),
    "resume": ("resume", RUN),
    "rollback": ("rollback", RUN, "--yes", "--pool", "toypool"),
}


def journal_rows() -> Iterator[Row]:
    """Each command that reads a run's journal, with each damage."""
    for harm, make in CONTINUING_HARMS.items():

        def without_spec(folder: Path, make: Make = make) -> None:
            make(_begun(folder))

        for name in ("resume", "rollback"):
            words = (*ASKING[name], "--state-dir", "state", "--json")
            yield Row(
                f"{name}: its journal {harm}", words, says=("journal.db",), make=without_spec, is_json=True
            )
    for harm, make in HARMS.items():

        def harmed(folder: Path, make: Make = make) -> None:
            make(_begun(folder))

        state = ("--state-dir", "state", "--json")
        yield Row(
            f"runs: a journal {harm}", ("runs", *state), ExitCode.DONE, (RUN, "journal"), harmed, is_json=True
        )
        for name, words in ASKING.items():
            yield Row(
                f"{name}: its journal {harm}",
                (*words, *state),
                ExitCode.BAD_INPUT,
                ("journal.db",),
                harmed,
                is_json=True,
            )


# -- the state folder and the environment --------------------------------------------------------------------------


def _open_to_all(path: Path) -> None:
    path.mkdir()
    path.chmod(0o777)


STATES: dict[str, tuple[Make, str]] = {
    "is a file": (Path.touch, "no folder|not a directory"),
    "is a pipe": (os.mkfifo, "no folder|not a directory"),
    "is a link to itself": (lambda path: path.symlink_to(path), "symbolic links"),
    "is a link to nothing": (lambda path: path.symlink_to("/nowhere/at/all"), ""),
    "lets everybody write": (_open_to_all, "lets others in|no runs yet|cannot find run"),
}  # fmt: skip


def state_rows() -> Iterator[Row]:
    """Commands that need the state folder, and a folder that cannot be it."""
    for name, (make, says) in STATES.items():

        def made(folder: Path, make: Make = make) -> None:
            make(folder / "state")

        is_open = name in ("lets everybody write", "is a link to nothing")
        code = ExitCode.DONE if is_open else ExitCode.BAD_INPUT
        yield Row(f"runs: the state folder {name}", ("runs", "--state-dir", "state"), code, (says,), made)
        lost = ExitCode.REFUSED if is_open else ExitCode.BAD_INPUT
        words = ("show", RUN, "--state-dir", "state", "--json")
        yield Row(f"show: the state folder {name}", words, lost, (says,), made, is_json=True)
        yield Row(
            f"check: the state folder {name}",
            (*CHECK, "--json"),
            ExitCode.BAD_INPUT,
            ("state",),
            made,
            is_json=True,
        )
    logs: dict[str, Make] = {
        "a folder": lambda path: path.mkdir(),
        "a pipe": os.mkfifo,
        "a full device": lambda path: path.symlink_to("/dev/full"),
        "a link to itself": lambda path: path.symlink_to(path),
        "a link to nowhere": lambda path: path.symlink_to("/nowhere/at/all"),
    }
    for name, make in logs.items():

        def logged(folder: Path, make: Make = make) -> None:
            (folder / "state").mkdir(0o700)
            make(folder / "state/poolwright.log")

        yield Row(
            f"check: a log that is {name}",
            (*CHECK, "--json"),
            says=("poolwright.log",),
            make=logged,
            is_json=True,
        )
    for name, path, says in (
        ("a name too long", "x" * 300, "too long"),
        ("below a file", "spec.yaml/state", "not a directory"),
        ("of nobody's home", "~nobody-of-this-name/x", "what ~ means"),
    ):
        calls: list[tuple[str, ...]] = [("runs",), ("show", RUN), ("attach", RUN), ("resume", RUN)]
        for call in [*calls, ("control", RUN, "pause")]:
            yield Row(
                f"{call[0]}: a state folder {name}",
                (*call, "--state-dir", path, "--json"),
                says=(says,),
                is_json=True,
            )


WORDS: dict[str, tuple[str, ...]] = {
    "no run id": ("show", "../../etc/passwd"),
    "an empty run id": ("attach", ""),
    "a run id of escapes": ("resume", "\x1b[2J"),
    "a run id of a broken name": ("rollback", "\udcff"),
    "an action that is none": ("control", RUN, "fly"),
    "a check that is none": ("explain", "R999999"),
    "a platform that is none": ("checks", "--platform", "../x"),
    "a schema of none": ("schema", "--platform", "\udcff"),
    "a scenario that is none": ("demo", "--headless", "--scenario", "no such"),
    "servers without number": ("demo", "--headless", "--servers", "many"),
    "servers below none": ("demo", "--headless", "--servers", "-4"),
    "too many servers": ("demo", "--headless", "--servers", "99999999"),
    "a name that is no text": ("check", "\udcff.yaml"),
    "a name with escapes": ("check", "\x1b[31m.yaml"),
    "no spec": ("check",),
    "no command": ("chek",),
    "an unknown option": ("runs", "--frobnicate"),
    "a sequence that is none": ("attach", RUN, "--since", "soon"),
    "a revision that is none": ("compat", "--cpuinfo", "good", "--what-if-microcode", "good=zz"),
    "an assignment that is none": ("compat", "--cpuinfo", "good", "--what-if-lose", "good"),
    "a server that is none": ("compat", "--cpuinfo", "good", "--what-if-remove", "nobody"),
    "a move from nowhere": ("migrate-check", "p", "--from", "nobody", "--to", "b", "--facts", "facts"),
    "nothing to compare": ("compat",),
    "nothing to apply": ("apply",),
}  # fmt: skip


def word_rows() -> Iterator[Row]:
    """Words of the command line that cannot be used."""
    for name, words in WORDS.items():
        last = words[-1].split("=")[-1]
        says = (last,) if len(words) > 1 and last and last.isprintable() and last.isascii() else ()
        yield Row(f"{words[0]}: {name}", words, says=says, env={"POOLWRIGHT_STATE_DIR": "state"})


SETTINGS: dict[str, tuple[str, str]] = {
    "POOLWRIGHT_CONNECT_S": ("soon", "connect_s"),
    "POOLWRIGHT_SSH_COMMAND_S": ("-1", "ssh_command_s"),
    "POOLWRIGHT_AGENT_DISCOVER_S": ("", "agent_discover_s"),
    "POOLWRIGHT_MANAGER_COMMAND_S": ("0", "manager_command_s"),
    "POOLWRIGHT_LOG_LEVEL": ("LOUD", "log_level"),
    "POOLWRIGHT_KEYS": ("{", "keys"),
}
FILES_OF_SETTINGS: dict[str, tuple[str, str]] = {
    "a number that is none": ('ssh_command_s = "soon"', "ssh_command_s"),
    "a folder that is a list": ("state_dir = [1]", "state_dir"),
    "keys that are a text": ('keys = "f2"', "keys"),
    "no TOML": ("connect_s = ", "settings.toml"),
    "a key twice": ("theme = 'a'\ntheme = 'b'", "settings.toml"),
    "a key without bottom": (f"a{'.a' * 30_000} = 1", "nested deeper"),
    "a table without bottom": ("a = " + "{a=" * 5_000 + "1" + "}" * 5_000, "nested deeper"),
}


def environment_rows() -> Iterator[Row]:
    """Surroundings that can be had inside one process."""
    for name, (value, says) in SETTINGS.items():
        yield Row(f"runs: {name}={value}", ("runs", "--json"), says=(says,), env={name: value}, is_json=True)
    for name, (text, says) in FILES_OF_SETTINGS.items():

        def written(folder: Path, text: str = text) -> None:
            (folder / "config/poolwright").mkdir(parents=True)
            (folder / "config/poolwright/settings.toml").write_text(text)

        yield Row(f"runs: settings with {name}", ("runs", "--json"), says=(says,), make=written, is_json=True)
    nowhere: dict[str, str | None] = {"XDG_STATE_HOME": None, "XDG_CONFIG_HOME": None}
    yield Row(
        "runs: a HOME that is no more", ("runs",), ExitCode.DONE, env={**nowhere, "HOME": "/nowhere/at/all"}
    )
    yield Row(
        "runs: a HOME that is a file",
        ("runs",),
        says=("not a directory",),
        env={**nowhere, "HOME": "/etc/passwd"},
    )
    for columns in ("", "0", "-1", "1", "nonsense", "9" * 30):
        yield Row(
            f"help: COLUMNS={columns}",
            ("check", "--help"),
            ExitCode.DONE,
            ("usage",),
            env={"COLUMNS": columns},
        )
    for term in (None, "", "dumb", "no-such-terminal", "\x1b"):
        yield Row(f"version: TERM={term!r}", ("version",), ExitCode.DONE, env={"TERM": term})
    yield Row(
        "check: no place for temporary files",
        (*CHECK, "--json"),
        ExitCode.REFUSED,
        env={"TMPDIR": "/nowhere"},
    )


def rows() -> list[Row]:
    """All of them that need no process of their own."""
    return [*file_rows(), *journal_rows(), *state_rows(), *word_rows(), *environment_rows()]
