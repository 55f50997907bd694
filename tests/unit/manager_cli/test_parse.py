"""Replies of the Manager CLI: every variant of the fact sheet, and no text that crashes the parser."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.platforms.oracle_vm.manager_cli.parse import (
    Attribute,
    Item,
    Reference,
    Reply,
    parse_error,
    parse_reference,
    parse_reply,
    parse_transcript,
    parse_version,
)
from tests.examples import examples
from tests.unit.manager_cli.render import Style, failure, listed, render, render_xml, shown

TIME = "2017-08-08 09:43:08,874 EDT"
_WORD = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="="), min_size=1, max_size=12
)
_TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40).map(str.rstrip)
_IDS = st.text("0123456789abcdef:.", min_size=1, max_size=48)
_NAME = st.lists(_WORD, min_size=1, max_size=4).map(" ".join)
_HEADS = ("Command", "Status", "Time", "JobId", "Job Id", "Error Msg", "Data")
_ERROR_LINE = _NAME.filter(lambda line: not line.startswith(_HEADS) and not line.startswith("OVM>"))
_ERRORS = st.lists(_ERROR_LINE, min_size=1, max_size=3).map("\n".join)
_ITEMS = st.lists(st.builds(Item, _IDS, _TEXT.filter(lambda text: text.lower() != "none")), max_size=5)
_ATTRIBUTES = st.lists(
    st.builds(Attribute, _NAME.filter(lambda n: not n.startswith("id:")), _TEXT), max_size=5
)
_STYLES = st.builds(
    Style,
    line_end=st.sampled_from(["\n\r", "\r\n", "\n", "\r"]),
    echo=st.booleans(),
    prompt=st.booleans(),
    banner=st.sampled_from(["", "Welcome to OVM> the CLI", "Last login: yesterday"]),
    job_id_at=st.integers(1, 6),
    error_before_time=st.booleans(),
    none_word=st.booleans(),
    data_blank=st.booleans(),
)


@st.composite
def replies(draw: st.DrawFn) -> Reply:
    command = "show " + draw(_NAME.filter(lambda name: "OVM>" not in name))
    job_id = draw(st.sampled_from(["", "1502199788874"]))
    if draw(st.booleans()):
        return Reply(command, "Failure", TIME, job_id, draw(_ERRORS))
    return Reply(
        command, "Success", TIME, job_id, items=tuple(draw(_ITEMS)), attributes=tuple(draw(_ATTRIBUTES))
    )


@given(replies(), _STYLES)
def test_parse_gives_back_what_was_rendered(reply: Reply, style: Style) -> None:
    assert parse_reply(render(reply, style)) == reply


@given(replies(), st.booleans())
def test_xml_gives_back_what_was_rendered(reply: Reply, one_list: bool) -> None:
    parsed = parse_reply(render_xml(reply, one_list=one_list))
    assert (parsed.status, parsed.job_id, parsed.form) == (reply.status, reply.job_id, "xml")
    assert parsed.error.split() == reply.error.split()
    assert [item.id for item in parsed.items] == [item.id for item in reply.items]
    assert [one.value.strip() for one in parsed.attributes] == [one.value.strip() for one in reply.attributes]


@given(replies(), _STYLES, st.randoms(use_true_random=False))
@examples(150)
def test_mutated_replies_never_crash(reply: Reply, style: Style, random: Random) -> None:
    text = list(render(reply, style))
    for _ in range(random.randint(1, 12)):
        place = random.randrange(len(text))
        text[place : place + random.randint(0, 3)] = random.choice(
            ["\x1b[2J", "\r", "\n", "=", "\0", "Status:"]
        )
    parsed = parse_reply("".join(text))
    parse_transcript("".join(text))
    shown_text = parsed.text + parsed.command + "".join(one.name + one.value for one in parsed.attributes)
    assert shown_text.replace("\n", "").isprintable()


@given(st.text(max_size=400))
def test_any_text_is_read(text: str) -> None:
    parse_reply(text)
    parse_reply(f"<Result>{text}</Result>")
    parse_transcript(text)
    parse_version(text)
    parse_error(text)


def test_names_hold_prompt_colons_quotes_and_semicolons() -> None:
    names = [
        "OVM> ",
        "ebsdb-prd_ebsdata2;",
        "DGC (1)",
        "a  name:b",
        "x @ y",
        "Default_Intel_Family:6_Model:60",
    ]
    reply = listed(*((f"03:aa:{index}", name.rstrip()) for index, name in enumerate(names)))
    assert [item.name for item in parse_reply(render(reply)).items] == [name.rstrip() for name in names]


def test_a_server_id_keeps_its_colons() -> None:
    uuid = "03:aa:02:fc:04:14:05:e3:f5:06:de:07:00:08:00:09"
    assert parse_reply(render(listed((uuid, "ovs1")))).items == (Item(uuid, "ovs1"),)


def test_a_plug_in_id_keeps_its_blank() -> None:
    plugin = "oracle.generic.NFSPlugin.GenericNFSPlugin (1.1.0)"
    parsed = parse_reply(render(listed((plugin, "Oracle Generic Network File System"))))
    assert parsed.items[0].id == plugin


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0004fb00  [DGC (1)]", Reference("0004fb00", "DGC (1)")),
        ("0004fb00  [Mapping for disk Id (x.img)]", Reference("0004fb00", "Mapping for disk Id (x.img)")),
        ("0004fb00  [a]  [b]", Reference("0004fb00", "a]  [b")),
        (
            "Generic_SAN @ Unmanaged Array  [FibreChannel]",
            Reference("Generic_SAN @ Unmanaged Array", "FibreChannel"),
        ),
        ("0004fb00", Reference("0004fb00", "")),
        ("", None),
        ("None", None),
        ("null", None),
    ],
)
def test_references(value: str, expected: Reference | None) -> None:
    assert parse_reference(value) == expected


def test_numbered_attributes_are_anchored() -> None:
    reply = parse_reply(
        render(
            shown(
                ("Master Server", "aa  [one]"),
                ("Policy Server 1", "cc  [three]"),
                ("Server Count", "2"),
                ("Server 1", "aa  [one]"),
                ("Server 2", "bb  [two]"),
            )
        )
    )
    assert [one.id for one in reply.references("Server")] == ["aa", "bb"]
    assert reply.reference("master server") == Reference("aa", "one")


@pytest.mark.parametrize("line", ["Id = 0004fb00", "Id = 0004fb00  [ovs1]"])
def test_both_forms_of_an_id(line: str) -> None:
    name, _, value = line.partition(" = ")
    reply = parse_reply(render(shown((name, value), ("Size (GiB)", "5"))))
    assert reply.id == "0004fb00"
    assert reply.number("Size (GiB)") == 5.0


def test_a_value_cannot_fake_a_status() -> None:
    text = render(failure("it failed")).replace(
        "it failed", "first line\n\rStatus: Success\n\rData: \n\r  id:1  name:x"
    )
    parsed = parse_reply(text)
    assert not parsed.is_success
    assert "Status: Success" in parsed.error


def test_a_description_over_several_lines_fakes_no_header() -> None:
    text = render(shown(("Description", "one"))).replace("= one", "= one\n\rStatus: Failure\n\rOVM> \n\rtwo")
    parsed = parse_reply(text)
    assert parsed.is_success
    assert parsed.get("Description") == "one"
    assert "two" in parsed.extra


def test_an_agent_fault_that_quotes_a_command_stays_an_error() -> None:
    text = (
        "OVMAPI_4010E Attempt to send command: create_server_pool to server: lab01 failed. \n"
        "OVMAPI_4004E Sync command failed on server: x.x.x.32. \n"
        "Command: create_server_pool, Server error: org.apache.xmlrpc.XmlRpcException: <type 'exceptions.Exception'>:\n"
        "Invalid hostname resolution: lab01 -> 127.0.0.1 [Wed Jul 20 16:30:40 CEST 2016]"
    )
    parsed = parse_reply(render(failure(text, command="add Server id=a to ServerPool id=b")))
    assert parsed.command == "add Server id=a to ServerPool id=b"
    error = parse_error(parsed.error)
    assert error.codes == ("OVMAPI_4010E", "OVMAPI_4004E")
    assert error.reason == "Invalid hostname resolution: lab01 -> 127.0.0.1"
    assert "Sync command failed" in error.original


def test_bare_texts() -> None:
    assert parse_version("showversion\n\r3.3.1.1065\n\rOVM> ") == "3.3.1.1065"
    assert (
        parse_version(f"Command: showversion\nStatus: Success\nTime: {TIME}\nData: \n  3.4.6.2105\n")
        == "3.4.6.2105"
    )
    assert parse_version("Oracle VM Manager CLI 3.2.11.775") == "3.2.11.775"
    assert parse_version(f"Time: {TIME}") is None
    bare = parse_reply("list Sever\n\rSyntax error: unknown type\n\rOVM> ")
    assert (bare.status, bare.form) == ("", "bare")
    assert "Syntax error: unknown type" in bare.extra


def test_xml_entities_are_refused() -> None:
    bomb = '<!DOCTYPE a [<!ENTITY b "bb">]><Result><Status>&b;</Status></Result>'
    assert parse_reply(bomb).status == ""
    assert not parse_reply("<Result><Status>Success</Status>").is_success


def test_control_characters_are_inert() -> None:
    parsed = parse_reply(render(listed(("1", "a\x1b[31mred\x07\u202eb"))))
    assert parsed.items[0].name.isprintable()
    assert "\u202e" not in parsed.items[0].name


TRANSCRIPTS = sorted((Path(__file__).parents[2] / "fixtures/manager-cli-transcripts").glob("*.txt"))


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_recorded_transcripts_give_something(path: Path) -> None:
    assert len(TRANSCRIPTS) == 13
    seen = parse_transcript(path.read_text())
    assert seen.replies or seen.items or seen.attributes or seen.errors or seen.lines


def test_transcripts_of_several_commands() -> None:
    text = "# a comment\n" + render(shown(("Name", "DGC (1)"))) + render(listed(("1", "x;"))) + "trailing"
    seen = parse_transcript(text)
    assert [reply.status for reply in seen.replies] == ["Success", "Success"]
    assert seen.items == (Item("1", "x;"),)
    assert seen.attributes == (Attribute("Name", "DGC (1)"),)
