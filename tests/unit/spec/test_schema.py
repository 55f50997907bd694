"""The JSON Schema and the program say the same of a spec's shape, whatever is done to one.

What more than shape decides is left out by name (RULES), and so is what each range of servers stands for.
"""

from __future__ import annotations

from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.errors import SpecError
from core.models.addresses import FINGERPRINT_PATTERN, is_fingerprint
from core.platforms import catalog
from core.platforms.oracle_vm.spec import PoolSpec
from core.service import Service
from core.spec_file import schema
from core.transports.fingerprints import normal_fingerprint
from tests.examples import examples

jsonschema = pytest.importorskip("jsonschema", reason="make setup installs it")

SCHEMA = schema(PoolSpec)
RULES = frozenset(check.id for check in catalog.platform("oracle_vm").checks if check.spec_only)
PRINT = "SHA256:" + "A" * 43
WHOLE: dict[str, Any] = {
    "platform": "oracle_vm",
    "release": "3.4",
    "manager": {
        "host": "203.0.113.250", "port": 10000, "user": "admin", "sessions": 2, "connect": "127.0.0.1:4022",
        "fingerprint": PRINT,
    },
    "pool": {
        "name": "pool1", "virtual_ip": "203.0.113.10", "keymap": "en-us", "start_policy": "BEST_SERVER",
        "secure_migration": False, "description": "", "clustered": True, "timeout_s": 120,
        "file_system": {"kind": "nfs", "server": "nas1", "export": "/x", "uniform": True},
        "policy": {"mode": "DRS", "cpu_threshold_pct": 50, "period_min": 5}, "roles": ["vm"], "master": "ovs1",
    },
    "servers": [
        "ovs1",
        {
            "address": "ovs2", "comment": "x", "roles": ["vm", "utility"], "connect": {"agent": "[::1]:8899"},
            "fingerprints": {"ssh": PRINT, "agent": "a" * 64},
        },
    ],
    "ssh": {"user": "root", "port": 22, "key_file": None},
    "jump": {"host": "gate.example.com", "port": 22, "user": "me", "key_file": "k", "fingerprint": None},
    "trust": {"known_hosts": None},
    "allow_old_crypto": ["manager"],
    "accept": ["R028"],
    "waivers": [{"check": "R028", "target": "*", "reason": "because", "who": "me", "until": "2026-03-01"}],
    "agent": {"user": "oracle", "port": 8899},
}  # fmt: skip
LUN = {"kind": "lun", "transport": "iscsi", "wwid": "3600", "access_host": "10.0.0.1", "access_port": 3260}

Path_ = tuple[str | int, ...]


def schema_says(data: Any) -> bool:
    checker = jsonschema.FormatChecker(["date"])
    return bool(jsonschema.Draft202012Validator(SCHEMA, format_checker=checker).is_valid(data))


def program_says(data: Any, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the program takes the shape: everything but the rules that RULES names, and acceptances of ids."""
    service = Service(Path("unused"))
    with monkeypatch.context() as without:
        without.setattr("core.service.judge_spec", lambda _platform, _spec: [])
        without.setattr("core.checks.steering.acceptances", lambda *_: [])
        without.setattr("core.checks.waivers.problems", lambda *_: [])
        try:
            service.parse(deepcopy(data))
        except SpecError:
            return False
        return True


def parts(data: Any, at: Path_ = ()) -> list[Path_]:
    """Every place in the data."""
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [at, *(place for key, value in inner for place in parts(value, (*at, key)))]


def changed(data: Any, at: Path_, change: Any) -> Any:
    """The data with one part left out (change is None), replaced, or with a key added."""
    data = deepcopy(data)
    here = data
    for part in at[:-1]:
        here = here[part]
    kind, value = change
    if kind == "drop" and at:
        del here[at[-1]]
    elif kind == "put" and at:
        here[at[-1]] = value
    elif kind == "add":
        target = here[at[-1]] if at else here
        if isinstance(target, dict):
            target[value] = 1
        elif isinstance(target, list):
            target.append(value)
    return data


WORDS = [
    "", " ", "yes", "No", "ON", "off", "true", "FALSE", "y", "T", "1", "0", "2", "maybe", "3.4", "3.5", "120", "0x10",
    "nfs", "lun", "smb", "fc", "iscsi", "DRS", "drs", "OFF", "BEST_SERVER", "oracle_vm", "kvm", "manager", "agent",
    "ssh", "agnt", "jump", "en-us", "/x", "/x y", "x", "/x\n", "::1", "[::1]:22", "::1:22", "1.2.3.4", "1.2.3.400",
    "01.2.3.4", "1.2.3.4:0", "h:65535", "h:65536", "h:٣", "fe80::1%eth0", "a..b", "-a", "a" * 64, "a" * 63 + ".x",
    "123", "host\n", "2026-03-01", "2026-02-30", "2026-3-1", "2026-03-01T00:00:00", "1772323200", PRINT, PRINT + "=",
    "SHA256:" + "A" * 42, ":".join(["ab"] * 32), "ab" * 32, "MD5:" + "ab" * 16, PRINT + "\n", " " + PRINT,
]  # fmt: skip
values = st.one_of(
    st.sampled_from(WORDS),
    st.sampled_from(
        [None, True, False, 0, 1, 2, -1, 8, 9, 65535, 65536, 10**30, 3.4, 3.2, 3.5, 1.0, 0.0, 120.0, 0.5]
    ),
    st.sampled_from(
        [[], {}, [None], ["vm"], [1], [["a"]], {"agent": "h:1"}, {"agnt": "h:1"}, {"ssh": PRINT}, LUN]
    ),
    st.text(max_size=8),
)
changes = st.one_of(
    st.just(("drop", None)),
    st.tuples(st.just("put"), values),
    st.tuples(st.just("add"), st.sampled_from(["extra", "ssh", "port", "name", "agnt", "manager"])),
)
PLACES = [place for place in parts(WHOLE) if place]


def is_left_out(data: Any) -> bool:
    """What a text in `servers` stands for is judged after it was spread: a range, a name, an address."""
    listed = data.get("servers")
    if not isinstance(listed, list):
        return False
    texts = [each.get("address") if isinstance(each, dict) else each for each in listed]
    return any(isinstance(text, str) and text not in ("ovs1", "ovs2") for text in texts)


@examples(600)
@given(st.lists(st.tuples(st.sampled_from(PLACES), changes), min_size=1, max_size=3))
@example([(("pool", "clustered"), ("put", "yes"))])
@example([(("pool", "clustered"), ("put", "maybe"))])
@example([(("pool", "clustered"), ("put", 2))])
@example([(("release",), ("put", 3.4))])
@example([(("release",), ("put", 3.5))])
@example([(("release",), ("put", "3.1"))])
@example([(("pool", "timeout_s"), ("put", "120"))])
@example([(("pool", "timeout_s"), ("put", True))])
@example([(("pool", "file_system", "kind"), ("drop", None))])
@example([(("pool", "file_system"), ("put", LUN))])
@example([(("waivers", 0, "until"), ("put", 1772323200))])
@example([(("waivers", 0, "until"), ("put", "2026-02-30"))])
@example([(("servers", 1, "connect"), ("put", {"agnt": "h:1"}))])
@example([(("servers", 1, "fingerprints", "ssh"), ("put", "SHA256:xyz"))])
@example([(("allow_old_crypto",), ("put", ["telnet"]))])
@example([(("manager", "sessions"), ("put", 9))])
@example([(("pool",), ("add", "nam"))])
def test_schema_and_program_agree_on_every_shape(edits: list[tuple[Path_, Any]]) -> None:
    data = WHOLE
    for at, change in edits:
        if at in parts(data):
            data = changed(data, at, change)
    if not is_left_out(data):
        with pytest.MonkeyPatch.context() as patch:
            assert schema_says(data) == program_says(data, patch), data


def test_the_whole_spec_is_good_for_both(monkeypatch: pytest.MonkeyPatch) -> None:
    assert schema_says(WHOLE)
    assert program_says(WHOLE, monkeypatch)
    assert RULES, "rules of more than shape are checks of the spec alone"


@pytest.mark.parametrize("at", PLACES, ids=str)
def test_nothing_that_is_there_may_be_of_any_kind(at: Path_, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each part was seen to be judged: something is wrong for both at every place."""
    wrong = changed(WHOLE, at, ("put", [[{"no": "such"}]]))
    assert not schema_says(wrong)
    assert not program_says(wrong, monkeypatch)


@examples(300)
@given(st.one_of(st.sampled_from(WORDS), st.from_regex(FINGERPRINT_PATTERN), st.text(max_size=70)))
def test_a_fingerprint_that_is_taken_can_be_read(text: str) -> None:
    assert not is_fingerprint(text) or normal_fingerprint(text) is not None


def test_a_day_is_a_date() -> None:
    spec = PoolSpec.model_validate({**WHOLE, "servers": [{"address": "ovs1"}]})
    assert spec.waivers[0].until == date(2026, 3, 1)
