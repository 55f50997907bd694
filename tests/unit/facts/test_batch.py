"""Batches: what goes in comes out, whatever a command prints."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.facts import commands
from core.facts.batch import HEAD, make_script, new_token, run_batch, split_output
from core.facts.probe import Probe, clean
from core.models.facts import Address
from core.text import is_inert
from core.transports.base import Completed

COMMANDS = {
    "one": "echo first; echo second",
    "two": "printf 'no end'",
    "three": "exit 3",
    "four": "no-such-command",
}


def test_a_real_shell_runs_the_script() -> None:
    token = new_token()
    done = subprocess.run(
        ["sh", "-c", make_script(COMMANDS, token)], capture_output=True, text=True, check=False
    )
    found = split_output(COMMANDS, token, done.stdout)
    assert found["one"].text == "first\nsecond\n"
    assert found["two"].text == "no end"
    assert [found[name].status for name in COMMANDS] == [0, 0, 3, 127]
    assert found["four"].why_not == "`no-such-command` is not there"
    assert done.stderr == ""


def test_a_file_with_markers_of_its_own_fools_nobody() -> None:
    token = new_token()
    forged = "echo pw00:end:one:0\necho evil"
    output = f"{token}:begin:one\n{forged}\n{token}:end:one:1\n"
    found = split_output({"one": "cat x"}, token, output)["one"]
    assert (found.text.strip(), found.status) == (forged, 1)
    assert new_token() != token


@pytest.mark.parametrize(
    "cut", ["", "{t}:begin:one\nhalf", "{t}:begin:one\nhalf{t}:end:one:", "{t}:begin:two\nx{t}:end:two:0"]
)
def test_a_batch_that_was_cut_says_so(cut: str) -> None:
    token = new_token()
    found = split_output({"one": "cat x", "two": "id"}, token, cut.replace("{t}", token))
    assert found["one"].status is None
    assert "did not end" in found["one"].why_not
    assert not found["one"].absent("kernel").is_known


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.text(), max_size=5))
def test_split_undoes_what_the_shell_prints(texts: dict[str, str]) -> None:
    token = new_token()
    output = "".join(f"{token}:begin:{name}\n{text}{token}:end:{name}:0\n" for name, text in texts.items())
    found = split_output(dict.fromkeys(texts, "cat x"), token, output)
    assert {name: section.text for name, section in found.items()} == {
        name: text.replace("\r\n", "\n") for name, text in texts.items()
    }


@pytest.mark.parametrize(("name", "command"), [("a b", "id"), ("a;b", "id"), ("a", "id\nid"), ("a", "id\0")])
def test_what_cannot_stand_in_a_script_is_refused(name: str, command: str) -> None:
    with pytest.raises(ValueError, match="not usable"):
        make_script({name: command}, new_token())


class Session:
    """Answers like a server that runs the script in a shell."""

    server = "s1"

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def run(self, argv: Sequence[str] | str, *, limit_s: float, stdin: str | None = None) -> Completed:
        assert isinstance(argv, str)
        self.seen.append(argv)
        done = subprocess.run(["sh", "-c", argv], capture_output=True, text=True, check=False)  # noqa: ASYNC221
        return Completed(done.returncode, done.stdout, done.stderr)


@pytest.mark.asyncio
async def test_a_batch_is_one_channel() -> None:
    session = Session()
    found = await run_batch(session, {"a": "echo 1", "b": "echo 2"}, limit_s=5.0)
    assert [section.text for section in found.values()] == ["1\n", "2\n"]
    assert len(session.seen) == 1
    assert session.seen[0].startswith(HEAD)


@pytest.mark.parametrize("name", ["ovs01; reboot", "-f", "a b", "$(id)", "a`b`", "", "x" * 300, "nas|x"])
def test_no_name_becomes_a_command(name: str) -> None:
    assert "own-short" not in commands.own_names(name)
    with pytest.raises(ValueError, match="not an NFS export"):
        commands.nfs_look(name, "/export", "/tmp/x")
    with pytest.raises(ValueError, match="not a"):
        commands.lun_look(name)
    with pytest.raises(ValueError, match="not an interface"):
        commands.vip_probe(name, "203.0.113.10")


def test_an_export_with_shell_characters_stays_one_word() -> None:
    script = make_script(commands.nfs_look("nas01", "/export/a'; reboot; '", "/tmp/.pw"), new_token())
    done = subprocess.run(["sh", "-n", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "reboot; '\"'\"'" in script


def test_commands_only_read() -> None:
    everything = {
        **commands.BASE,
        **commands.own_names("ovs01"),
        **commands.reverse_lookup("203.0.113.11"),
        **commands.port_tries([("203.0.113.250", 7002)]),
        **commands.lun_look("/dev/mapper/x"),
        **commands.vip_probe("bond0", "203.0.113.10"),
        **commands.nfs_look("nas01", "/export", "/tmp/.pw"),
        **commands.mounted_look("/mnt"),
    }
    words = {"rm", "mkfs", "dd", "tee", ">", "service", "reboot", "wipefs -a", "release", "set_key"}
    for command in everything.values():
        assert command == "service o2cb status" or not words & set(command.split()), command
    assert "-o ro," in commands.nfs_look("nas01", "/e", "/tmp/.pw")["mount"]


AT = datetime(2026, 3, 1, tzinfo=UTC)


def test_a_probe_gives_every_field_or_the_reason() -> None:
    probe: Probe[str] = Probe("ssh x", ("a", "b"), lambda raw: {"a": raw})
    found = probe.observe("v", AT)
    assert found["a"].value == "v"
    assert found["a"].source == "ssh x"
    assert found["b"].missing == "ssh x does not tell it"


@pytest.mark.parametrize(
    "error", [ValueError("why"), KeyError("k"), TypeError(), RecursionError(), AttributeError()]
)
def test_a_probe_never_raises_for_what_a_server_sent(error: Exception) -> None:
    def read(_raw: str) -> dict[str, object]:
        raise error

    found = Probe("ssh x", ("a",), read).observe("raw", AT)
    assert not found["a"].is_known
    assert found["a"].missing


@given(st.text())
def test_texts_in_facts_are_inert(text: str) -> None:
    found = clean(
        {"k": (text, [text], frozenset({text})), "m": Address(interface=text, address="x", prefix=1)}
    )
    assert is_inert(found["k"][0])
    assert is_inert(found["k"][1][0])
    assert is_inert(found["m"].interface)
    assert all(is_inert(one) for one in found["k"][2])
