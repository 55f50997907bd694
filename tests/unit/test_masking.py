"""Secrets are masked where text leaves, never where it is read: no gap breaks a run, and no gap tells a word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import core
from core import masking
from core.cli import diagnostics, output
from core.errors import PoolwrightError
from core.masking import Masker, own_words, words_of
from core.platforms.catalog import platform
from core.secrets import MASK
from tests.examples import examples
from tui.borrow import inert

TEXTS = st.text(max_size=120)
SECRETS = st.text(min_size=3, max_size=12)
PUBLIC = words_of({"pool": {"name": "pool1", "virtual_ip": "203.0.113.10"}, "names": ["a:b@c", "prod@dc1"]})


@given(TEXTS, SECRETS)
@example("", "0:0")
@examples(200)
def test_no_hidden_secret_survives(text: str, secret: str) -> None:
    shown = Masker([secret]).text(text + secret + text)
    assert secret in MASK or secret not in shown.replace(MASK, "\0")


@given(TEXTS, SECRETS, st.integers(1, 11), st.sampled_from(["\n", "\r\n", " \r\n", "\x1b[K"]))
@examples(100)
def test_a_secret_that_was_wrapped_or_parted_is_found(text: str, secret: str, at: int, gap: str) -> None:
    parted = secret[:at] + gap + secret[at:]
    shown = Masker([secret]).text(f"{text} {parted} {text}")
    assert secret in MASK or secret not in shown.replace(MASK, "\0")


@pytest.mark.parametrize("word", ["oracle", "pool1", "Running", "server", "ovs", "POOL1", "Success"])
def test_a_public_word_leaves_no_gap(word: str) -> None:
    masker = Masker([word], PUBLIC, platform("oracle_vm").vocabulary)
    text = f"cannot find {word} in Manager: Oracle Generic Network File System, pool pool1, server ovs01 is Running"
    assert masker.text(text) == text


@pytest.mark.parametrize("word", ["results", "blocked", "needs_human", "verification", "Blocked"])
def test_a_word_of_our_own_documents_stays_what_scripts_read(word: str) -> None:
    masker = Masker([word, "n0-such-word"], own_words([word, "n0-such-word"]))
    assert masker.data({word.lower(): [word], "x": "n0-such-word"}) == {word.lower(): [word], "x": MASK}


@pytest.mark.parametrize("word", ["oracle", "pool1"])
def test_where_a_password_stands_a_public_word_is_masked_too(word: str) -> None:
    masker = Masker([word], PUBLIC, "oracle")
    for text in (f'password="{word}"', f"https://admin:{word}@h/", f"<password>{word}</password>"):
        assert word not in masker.text(text)


@pytest.mark.parametrize("name", ["a:b@c", "prod@dc1"])
def test_a_name_that_looks_like_a_login_stays(name: str) -> None:
    text = f'create ServerPool name="{name}"'
    assert Masker(["x!42-secret"], PUBLIC).text(text) == text


def test_a_mere_word_takes_its_line_with_it() -> None:
    shown = Masker(["sesame"]).text("first\nno such word: sesame\nlast")
    assert shown == f"first\n{MASK}\nlast"  # a gap of one word in a known sentence would tell it


def test_ids_and_names_in_a_record_stay_whatever_the_secret() -> None:
    record = {"pool_id": "0004fb0000020000a1", "pool_name": "a:b@c", "was_free": True, "had": ["0004"]}
    assert Masker(["0004", "000"]).record(record) == record
    assert Masker(["h1dden-secret"]).record({"x": ["h1dden-secret"]}) == {"x": [MASK]}


def test_what_the_plan_shows_instead_of_a_password_is_no_password() -> None:
    text = 'discoverServer ipAddress=203.0.113.11 password="<agent password>" takeOwnership=Yes'
    assert Masker().text(text) == text


def test_nothing_that_a_front_end_shows_holds_a_guarded_secret(capsys: pytest.CaptureFixture[str]) -> None:
    canary = "c4nary-of-outputs"
    masking.guard([canary], PUBLIC)
    event = {"text": f"job failed: {canary}", canary: [canary], "name": "pool1"}
    output.emit_json(event)
    output.emit_line(event)
    output.emit_text(f"pool1: {canary}\x1b[2J")
    diagnostics.say(f"pool1: {canary}\u202e")
    diagnostics.fail(PoolwrightError(f"cannot go on: {canary}", fix=canary))
    said = capsys.readouterr()
    shown = f"{said.out}{said.err}{inert(f'pool1: {canary}')}"
    assert canary not in shown
    assert shown.count("pool1") == 5  # what is public stays
    assert not [char for char in shown if char != "\n" and not char.isprintable()]


LEAVING = {  # where text leaves the process; a module that parses or compares is none of them
    "log.py": "the log",
    "cli/asking.py": "the terminal",
    "cli/diagnostics.py": "standard error",
    "cli/output.py": "standard output",
    "cli/commands/check.py": "the facts' file",
    "engine/journal.py": "the journal",
    "platforms/oracle_vm/decode.py": "what `decode` answers, out of parsed facts",
    "platforms/oracle_vm/manager_cli/session.py": "errors and narration",
    "reports/text.py": "texts of a plan file (mapped)",
    "runner/__main__.py": "the starter's pipe",
    "runner/process.py": "what the run shows (guard)",
    "runner/server.py": "the socket",
    "service.py": "what a front end shows (guard), the runbook",
    "transports/base.py": "errors of transports",
    "transports/tls.py": "the same, with the login of our own header",
}


def test_no_other_module_masks() -> None:
    root = Path(str(core.__file__)).parent
    uses = re.compile(r"^\s*from core(?:\.masking import| import .*\bmasking\b)|\bredact\(", re.MULTILINE)
    found = {
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        if path.name not in ("masking.py", "secrets.py") and uses.search(path.read_text(encoding="utf-8"))
    }
    assert found == set(LEAVING)
