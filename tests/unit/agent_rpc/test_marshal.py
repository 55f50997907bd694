"""XML-RPC behind a hardened parser: what is understood, what is refused, and that nothing hangs."""

from __future__ import annotations

import xmlrpc.client
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.platforms.oracle_vm.agent_rpc.marshal import FaultReply, dump_call, load_reply, parse_fault
from core.platforms.oracle_vm.agent_rpc.xml_tree import DEPTH_MAX, raw_of, read_xml

INT = 2**31 - 1
PRINTABLE = st.characters(exclude_categories=["C"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-INT, INT) | st.text(PRINTABLE, max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(PRINTABLE, min_size=1, max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


def envelope(value: str) -> bytes:
    body = f"<methodResponse><params><param><value>{value}</value></param></params></methodResponse>"
    return f"<?xml version='1.0'?>\n{body}".encode()


@given(VALUES)
def test_what_was_marshalled_comes_back(value: Any) -> None:
    data = xmlrpc.client.dumps((value,), methodresponse=True, allow_none=True).encode()
    assert load_reply(data) == value


@pytest.mark.parametrize(
    ("given_xml", "value"),
    [
        ("<i8>1413834408000</i8>", 1413834408000),
        ("<int>3</int>", 3),
        ("<nil/>", None),
        ("<boolean>1</boolean>", True),
        ("bare text", "bare text"),
        ("<string>a &lt;b/&gt; \u00e9</string>", "a <b/> \u00e9"),
        ("<string>bad \x01 and &#27; here</string>", "bad ? and ? here"),
        ("<array><data/></array>", []),
        ("<struct><member><name>a</name><value><i8>1</i8></value></member></struct>", {"a": 1}),
    ],
)
def test_values_of_the_agent(given_xml: str, value: Any) -> None:
    assert load_reply(envelope(given_xml)) == value


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("exceptions.Exception:Invalid roles: x", "exceptions.Exception", "Invalid roles: x"),
        ("<type 'exceptions.Exception'>:a: b", "exceptions.Exception", "a: b"),
        ("<type 'exceptions.Exception'>:\n  a", "exceptions.Exception", "a"),
        ("<class 'agent.lib.LockError'>:no locks", "agent.lib.LockError", "no locks"),
        ("no such thing", "", "no such thing"),
        ("", "", ""),
    ],
)
def test_faults_of_both_spellings(text: str, kind: str, message: str) -> None:
    assert parse_fault(1, text) == FaultReply(1, text, kind, message)
    assert load_reply(xmlrpc.client.dumps(xmlrpc.client.Fault(1, text)).encode()) == FaultReply(
        1, text, kind, message
    )


BOMB = '<!DOCTYPE a [<!ENTITY b "' + "c" * 1000 + '">]>'
HOSTILE = [
    b"",
    b"\0",
    b"<",
    b"<methodResponse/>",
    b"<methodResponse><params/></methodResponse>",
    b"<methodResponse><fault/></methodResponse>",
    b"<methodResponse><fault><value><int>1</int></value></fault></methodResponse>",
    b"<methodCall><methodName>x</methodName></methodCall>",
    BOMB.encode() + envelope("<string>&b;</string>"),
    envelope("<string>&b;</string>"),
    envelope("<int>x</int>"),
    envelope("<int>" + "9" * 100_000 + "</int>"),
    envelope("<double>x</double>"),
    envelope("<base64>!</base64>"),
    envelope("<dateTime.iso8601>yesterday</dateTime.iso8601>"),
    envelope("<struct><member><name>a</name></member></struct>"),
    envelope("<struct><value/></struct>"),
    envelope("<array><data><value>" * 200),
    envelope("<array><data><value>" * 200 + "1" + "</value></data></array>" * 200),
    envelope("<a>" * 100_000),
    b'<!DOCTYPE a SYSTEM "file:///etc/passwd">' + envelope("1"),
]


@pytest.mark.parametrize("data", HOSTILE)
def test_hostile_replies_are_value_errors_or_values_but_soon(data: bytes) -> None:
    try:
        value = load_reply(data)
    except ValueError:
        value = None
    assert "c" * 1000 not in str(value)


@pytest.mark.parametrize("data", [data for data in HOSTILE if data.startswith(b"<!DOCTYPE")])
def test_no_dtd_is_read_at_all(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - defusedxml's own
        load_reply(data)
    with pytest.raises(ValueError):  # noqa: PT011
        read_xml(data.decode())


@given(st.binary(max_size=300))
def test_no_bytes_break_it(data: bytes) -> None:
    for one in (data, b"<methodResponse>" + data, envelope(data.decode("latin-1"))):
        try:
            load_reply(one)
        except ValueError:
            continue


def test_a_tree_deeper_than_honest_is_refused() -> None:
    read_xml("<a>" * DEPTH_MAX + "</a>" * DEPTH_MAX)
    with pytest.raises(ValueError, match="too deep"):
        read_xml("<a>" * (DEPTH_MAX + 1) + "</a>" * (DEPTH_MAX + 1))


def test_raw_keeps_every_name_attribute_and_repetition() -> None:
    root = read_xml('<R A="1"><X>a</X><X>b</X><Y B="2">t</Y><Z/><A>c</A></R>')
    assert raw_of(root) == {"A": ["1", "c"], "X": ["a", "b"], "Y": {"B": "2", "#text": "t"}, "Z": ""}


def test_calls_are_positional() -> None:
    assert xmlrpc.client.loads(dump_call("echo", ("a<b", 1, True)).decode()) == (("a<b", 1, True), "echo")
