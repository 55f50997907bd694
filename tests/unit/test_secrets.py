"""Secrets are never shown: not by their container, not in texts, not in logs, however they are spelled."""

from __future__ import annotations

import base64
import copy
import json
import logging
import pickle
import stat
import urllib.parse
from collections.abc import Iterator
from html import escape
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import log
from core.secrets import MASK, Secrets, redact

CANARY = "c@nary <'\"&> ü%7"


def test_the_container_shows_names_only() -> None:
    secrets = Secrets({"agent": CANARY, "ssh": ""})
    assert repr(secrets) == "Secrets(agent)"
    assert CANARY not in f"{secrets} {secrets!r} {[secrets]}"
    assert (secrets.get("agent"), secrets.get("ssh"), "ssh" in secrets) == (CANARY, None, False)
    assert secrets.with_("chap", "x").names() == ("agent", "chap")
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(secrets)
    with pytest.raises(TypeError):
        copy.copy(secrets)


@pytest.mark.parametrize(
    "spelled",
    [
        CANARY,
        repr(CANARY),
        json.dumps(CANARY),
        escape(CANARY),
        escape(CANARY, quote=False),
        urllib.parse.quote(CANARY),
        urllib.parse.quote_plus(CANARY),
        base64.b64encode(CANARY.encode()).decode(),
    ],
)
def test_a_known_secret_is_masked_in_every_spelling(spelled: str) -> None:
    masked = redact(f"before {spelled} after", [CANARY])
    assert "nary" not in masked
    assert "Y0Bu" not in masked
    assert MASK in masked
    assert masked.startswith("before ")
    assert masked.endswith(" after")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("discoverServer password=abc takeOwnership=Yes", f"discoverServer password={MASK} takeOwnership=Yes"),
        ("Authorization: Basic b3JhY2xlOnNlY3JldA==", f"Authorization: Basic {MASK}"),
        ("basic b3JhY2xlOnNlY3JldA", f"basic {MASK}"),
        ("accessPassword='a b' x=1", f"accessPassword={MASK} x=1"),
        ('adminPassword="a b"', f"adminPassword={MASK}"),
        ("Password: abc", f"Password: {MASK}"),
        ("{'admin_passwd': 'x y', 'b': 1}", f"{{'admin_passwd': {MASK}, 'b': 1}}"),
        ('{"password": "x"}', f'{{"password": {MASK}}}'),
        ("['cmd', '--password', 'x y']", f"['cmd', '--password', '{MASK}']"),
        ("<password>x y</password>", f"<password>{MASK}</password>"),
        ("vncunused=1,vncpasswd=abc,keymap=en", f"vncunused=1,vncpasswd={MASK},keymap=en"),
        ("https://oracle:a/b@c@192.0.2.1:8899/api/3/", f"https://oracle:{MASK}@192.0.2.1:8899/api/3/"),
        ("https://0123abcd:pw@192.0.2.1:7002/ovm/core/X", f"https://0123abcd:{MASK}@192.0.2.1:7002/ovm/core/X"),
        ("oracle:secret@ovs01", f"oracle:{MASK}@ovs01"),
    ],
)  # fmt: skip
def test_password_like_values_are_masked(text: str, masked: str) -> None:
    assert redact(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "https://host:8899/RPC2",
        "cs-mgmt:/volumes/cs-data/primary",
        "id:00:e0:81:4d:40:f5  name:ovs01",
        "iqn.1988-12.com.oracle:3b3f5e2f59cb",
        "2017-08-08 09:43:08,874 EDT",
        "Name = DGC (1)",
        "the password is asked for",
        "Basic Terminal",
    ],
)
def test_other_texts_stay(text: str) -> None:
    assert redact(text, ["xx", ""]) == text


@given(st.text(max_size=200), st.text(min_size=3, max_size=12))
def test_no_known_secret_survives(text: str, secret: str) -> None:
    assert secret in MASK or secret not in redact(text + secret + text, [secret]).replace(MASK, "\0")


@pytest.mark.parametrize(
    "evil",
    [
        "a-" * 500_000,
        "://a:" * 200_000,
        "://a:" + "b" * 1_000_000,
        "password" * 125_000,
        "a:" * 500_000,
        "<password>" * 100_000,
    ],
)
def test_masking_stays_linear(evil: str) -> None:
    assert CANARY not in redact(evil, [CANARY])


@pytest.fixture
def log_file(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "poolwright.log"
    raising, level = logging.raiseExceptions, logging.getLogger().level
    log.setup_logging(path, level="DEBUG")
    log.guard(Secrets({"agent": CANARY}))
    yield path
    log.setup_logging(None)
    logging.raiseExceptions = raising
    logging.getLogger().setLevel(level)


def test_no_secret_and_no_control_character_reaches_the_log(log_file: Path) -> None:
    logger = logging.getLogger("asyncssh.some.library")
    logger.setLevel(logging.DEBUG)
    try:
        raise ValueError(f"inner {CANARY}")
    except ValueError:
        logger.exception("outer %s \x1b[31m", CANARY, extra={"thing": CANARY})
    logger.warning("args %r", {"password": "other-secret"})
    logger.info("bad format %d", "x")
    logger.debug("x" * 100_000)
    text = log_file.read_text()
    assert "nary" not in text
    assert "other-secret" not in text
    assert "\x1b" not in text
    assert "ValueError: inner" in text
    assert "bad format" in text
    assert len(text) < 20_000
    assert stat.S_IMODE(log_file.stat().st_mode) == 0o600


def test_setting_up_twice_logs_once(log_file: Path) -> None:
    log.setup_logging(log_file)
    logging.getLogger("poolwright").info("only once")
    assert log_file.read_text().count("only once") == 1
