"""`decode` gives its one shape whatever comes: every recording, every mutation, within a bounded time."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.platforms.oracle_vm.decode import decode
from core.secrets import MASK
from tests.examples import examples
from tests.unit.agent_rpc import samples
from tests.unit.agent_rpc.test_marshal import HOSTILE, envelope

SHARED = Path(__file__).parents[3] / "../shared"
REPLIES = sorted((SHARED / "data/agent-replies").glob("*.xml"))
TRANSCRIPTS = sorted(
    path
    for kind in ("error-*", "list-*", "show-*", "getstatlist-*")
    for path in (SHARED / "facts/manager-cli-transcripts").glob(kind)
)
ENVELOPE = envelope(
    "<struct><member><name>a</name><value><array><data><value><i8>1</i8></value></data></array></value></member></struct>"
)
KINDS = {"document", "value", "fault", "nil"}


def shape(found: dict[str, Any]) -> dict[str, Any]:
    """The decoded thing, after its promises were checked: exact keys, JSON, one of four kinds."""
    assert list(found) == ["schema", "method", "kind", "facts", "raw"]
    assert found["schema"] == "poolwright.decode/1"
    assert found["kind"] in KINDS
    assert isinstance(found["facts"], dict)
    assert isinstance(found["raw"], dict)
    json.dumps(found, allow_nan=False)
    return found


def names_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from names_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from names_in(inner)


def leaves_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from leaves_in(inner)
    else:
        yield str(value)


@pytest.mark.skipif(not REPLIES, reason="no recorded replies beside the checkout")
@pytest.mark.parametrize("path", REPLIES, ids=lambda path: path.stem)
def test_every_recorded_reply_with_every_name_and_text(path: Path) -> None:
    parts = path.stem.split("-")
    method = parts[1] if parts[0] == "fault" else parts[0]
    found = shape(decode(method, path.read_bytes()))
    root = ET.fromstring(path.read_text("utf-8"))
    is_envelope = root.tag == "methodResponse"
    names = (
        {child.text for child in root.iter("name")}
        if is_envelope
        else {element.tag for element in root.iter()}
    )
    assert names <= set(names_in(found["raw"]))
    if not is_envelope:
        assert found["kind"] == "document"
        texts = {element.text.strip() for element in root.iter() if element.text and element.text.strip()}
        assert texts <= set(leaves_in(found["raw"]))
        assert {value for element in root.iter() for value in element.attrib.values()} <= set(
            leaves_in(found["raw"])
        )
        assert "unreadable" not in found["facts"]
    else:
        expected = "fault" if parts[0] == "fault" else "nil" if parts[0] == "void" else "value"
        assert found["kind"] == expected


@pytest.mark.skipif(not REPLIES, reason="no recorded replies beside the checkout")
def test_recorded_values_by_hand() -> None:
    def of(name: str) -> dict[str, Any]:
        path = next(path for path in REPLIES if path.stem == name)
        return decode(name.split("-")[0], path.read_text("utf-8"))

    assert of("get_last_boot_time-i8")["facts"] == {"boot_time_s": 1413834408, "local_time_s": 1414082517}
    assert of("get_ntp-two-servers")["facts"]["ntp_servers"] == ["ovm-1", "ovm-2"]
    assert of("get_api_version-3")["raw"] == {"value": [3]}
    assert of("list_vms-dom0-and-guests")["facts"]["guests"] == ["i-2-3-VM"]
    assert of("storage_plugin_create-file")["facts"]["size_bytes"] == 2096898048
    assert of("storage_plugin_mount-nfs")["facts"]["free_bytes"] == 259377299456
    assert "****************" not in json.dumps(of("get_vm_config-one"))


@pytest.mark.skipif(not TRANSCRIPTS, reason="no transcripts beside the checkout")
@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_every_recorded_transcript(path: Path) -> None:
    found = shape(decode("manager", path.read_bytes()))
    text = json.dumps(found["raw"])
    assert len(text) > 30
    assert "source:" not in text  # the `#` lines
    if path.stem.startswith("error-"):
        assert found["kind"] == "fault"
        assert found["facts"]["errors"][0]["reason"]
    if path.stem.startswith("show-"):
        assert found["raw"]["Page83 ID"][0] == "3600601601110190080a4f954c48de311"


def test_a_fault_has_its_own_names() -> None:
    text = "<type 'exceptions.Exception'>:Invalid roles: x"
    xml = (
        "# a comment\n\n#another\n<?xml version='1.0'?><methodResponse><fault><value><struct>"
        "<member><name>faultCode</name><value><int>1</int></value></member>"
        f"<member><name>faultString</name><value><string>{text.replace('<', '&lt;')}</string></value></member>"
        "</struct></value></fault></methodResponse>"
    )
    found = shape(decode("create_server_pool", xml))
    assert found["kind"] == "fault"
    assert found["raw"] == {"faultCode": 1, "faultString": text}
    assert found["facts"] == {"code": 1, "type": "exceptions.Exception", "message": "Invalid roles: x"}


def test_nil_document_in_an_envelope_and_plain_value() -> None:
    assert shape(decode("x", envelope("<nil/>")))["kind"] == "nil"
    escaped = samples.SERVER_UNOWNED.replace("&", "&amp;").replace("<", "&lt;")
    inside = shape(decode("discover_server", envelope(f"<string>{escaped}</string>")))
    outside = shape(decode("discover_server", "# x\n" + samples.SERVER_UNOWNED))
    assert inside == outside
    assert inside["facts"]["hostname"] == "ovs01"
    assert inside["raw"]["Discover_Server_Result"]["Server"]["Hostname"] == "ovs01"
    assert shape(decode("unknown_call", envelope("<int>7</int>")))["raw"] == {"value": 7}


def test_secrets_are_masked_wherever_they_stand() -> None:
    struct = (
        "<struct><member><name>admin_passwd</name><value><string>hunter2</string></value></member>"
        "<member><name>numeric_password</name><value><int>4711</int></value></member>"
        "<member><name>url</name><value><string>https://oracle:hunter2@ovs01:8899/api/3/</string></value></member>"
        "<member><name>vfb</name><value><string>vncpasswd=hunter2,keymap=en</string></value></member></struct>"
    )
    found = shape(decode("anything", envelope(struct)))
    assert found["raw"]["admin_passwd"] == found["raw"]["numeric_password"] == MASK
    document = "<A Password='hunter2'><Core_Passwd><X>hunter2</X></Core_Passwd><U>http://u:hunter2@h/</U></A>"
    texts = [found, shape(decode("x", document)), shape(decode("manager", samples.TRANSCRIPT))]
    texts += [
        shape(decode("x", "password=hunter2 and more")),
        shape(decode("manager", "set password=hunter2")),
    ]
    for one in texts:
        assert "hunter2" not in json.dumps(one)
        assert "4711" not in json.dumps(one)


def test_a_transcript_keeps_names_and_blocks() -> None:
    found = shape(decode("Manager", samples.TRANSCRIPT))
    assert found["kind"] == "value"
    assert found["raw"]["Name"] == "ovs01"
    assert found["raw"]["Status"] == "Success"
    assert found["facts"]["replies"][0]["is_success"] is True


@pytest.mark.parametrize(
    "data",
    [
        *HOSTILE,
        "\x1b[2J",
        "#",
        "# only\n# comments",
        "\ud800",
        b"\xff\xfe<\0a\0",
        "\ufeff<a/>",
        "<a>" * 100_000,
    ],
)
def test_hostile_input_gets_the_shape_in_time(data: str | bytes) -> None:
    for method in ("discover_server", "manager", "x", "", "\x1b[2J"):
        shape(decode(method, data))


@pytest.mark.parametrize(
    "text",
    [
        "Command: " * 200_000,
        "OVM> " * 300_000,
        "  x = y\n" * 100_000,
        "id:" * 400_000,
        " " * 1_500_000 + "x",
        "Error Msg: " + "OVMAPI_4010E Server error: " * 50_000,
        "[" * 1_000_000,
        "  a = " + "  [" * 400_000,
        "<Result>" * 150_000,
        "password=" * 150_000,
    ],
)
@pytest.mark.slow
def test_a_megabyte_of_malice_takes_seconds_at_most(text: str) -> None:
    for method in ("manager", "discover_server"):
        shape(decode(method, text))


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, str]:
    """A sample with pieces cut, doubled, swapped or replaced."""
    choices = [*samples.DOCUMENTS.items(), ("get_ntp", ENVELOPE.decode()), ("manager", samples.TRANSCRIPT)]
    method, text = draw(st.sampled_from(choices))
    for _ in range(draw(st.integers(1, 4))):
        at, to = sorted((draw(st.integers(0, len(text))), draw(st.integers(0, len(text)))))
        piece = draw(
            st.sampled_from(
                ["", text[at:to] * 2, "<", ">", "&", "&#0;", "]]>", "\0", "\n", "none", "<!--", "=", "'"]
            )
            | st.text(max_size=8)
        )
        text = text[:at] + piece + text[to:]
        text = text[:20_000]
    return draw(st.sampled_from([method, "discover_server", "list_vms"])), text


@given(mutated())
@examples(300)
def test_no_mutation_breaks_the_shape(sample: tuple[str, str]) -> None:
    method, text = sample
    shape(decode(method, text))
    shape(decode(method, text.encode("utf-8", "surrogatepass")))


@given(st.text(max_size=200) | st.binary(max_size=200), st.text(max_size=20))
def test_nothing_breaks_the_shape(data: str | bytes, method: str) -> None:
    shape(decode(method, data))


FAULT = "<methodResponse><fault><value><struct>{}</struct></value></fault></methodResponse>"


def member(name: str, value: str) -> str:
    return f"<member><name>{name}</name><value>{value}</value></member>"


@pytest.mark.parametrize(
    ("members", "raw"),
    [
        (member("faultString", "only"), {"faultString": "only"}),
        (
            member("faultCode", "<string>Server</string>") + member("faultString", "why"),
            {"faultCode": "Server", "faultString": "why"},
        ),
        (
            member("faultCode", "<i8>1</i8>") + member("faultString", "why") + member("extra", "more"),
            {"faultCode": 1, "faultString": "why", "extra": "more"},
        ),
    ],
)
def test_a_fault_of_another_shape_is_still_a_fault_under_its_own_names(
    members: str, raw: dict[str, Any]
) -> None:
    found = shape(decode("create_server_pool", FAULT.format(members)))
    assert (found["kind"], found["raw"]) == ("fault", raw)
    assert found["facts"]["message"] == raw["faultString"]


def test_a_reply_without_a_value_is_nothing() -> None:
    assert shape(decode("create_cluster", "<methodResponse><params/></methodResponse>"))["kind"] == "nil"


@pytest.mark.parametrize(
    ("method", "value", "facts"),
    [
        ("echo", "hi", {"message": "hi"}),
        ("some_new_call", "<int>7</int>", {"value": 7}),
        ("ovs_vlan_bridge", "Added bridge: b1", {"answer": "Added bridge: b1", "action": "added"}),
        (
            "get_log",
            f"<struct>{member('ovs-agent', 'a&#10;b')}</struct>",
            {"log_lines": {"ovs-agent": 2}},
        ),
        (
            "storage_plugin_listMountPoints",
            f"<array><data><value><struct>{member('fs_uuid', 'u')}</struct></value></data></array>",
            {"mount_points": [{"fs_uuid": "u", "status": None, "mount_point": None}]},
        ),
    ],
)
def test_calls_nobody_recorded_have_facts_too(method: str, value: str, facts: dict[str, Any]) -> None:
    assert shape(decode(method, envelope(value)))["facts"] == facts


def test_domains_have_numbers_and_a_lost_digit_is_no_number() -> None:
    members = member("name", "vm1") + member("domid", "\n") + member("memory", "512")
    value = f"<array><data><value><struct>{members}</struct></value></data></array>"
    (domain,) = shape(decode("list_vms", envelope(value)))["facts"]["domains"]
    assert (domain["name"], domain["domid"], domain["memory"]) == ("vm1", None, 512)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_heeded(encoding: str) -> None:
    plain = decode("discover_server", samples.SERVER_UNOWNED)
    assert decode("discover_server", samples.SERVER_UNOWNED.encode(encoding)) == plain


def test_an_encoding_that_is_declared_is_heeded_where_the_bytes_are_no_utf8() -> None:
    text = "<?xml version='1.0' encoding='ISO-8859-1'?><Discover_X_Result><Name>caf\u00e9</Name></Discover_X_Result>"
    assert decode("discover_x", text.encode("latin-1"))["raw"]["Discover_X_Result"]["Name"] == "caf\u00e9"


def test_http_headers_before_a_reply_are_left_out() -> None:
    text = b"HTTP/1.0 200 OK\r\nContent-type: text/xml\r\n\r\n" + envelope("<boolean>1</boolean>")
    assert decode("is_cluster_online", text)["facts"] == {"is_cluster_online": True}


def test_an_xml_transcript_keeps_the_names_of_xml() -> None:
    text = (
        "list Server\n<Result><Status>Failure</Status><ErrorMsg>no</ErrorMsg><CommandData>"
        "<ListCommandResult><Id>1</Id><Name>a</Name></ListCommandResult></CommandData></Result>"
    )
    assert {"Status", "ErrorMsg", "Id", "Name"} <= set(decode("manager", text)["raw"])
