from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from core.lab.manager.reply import Body, Reply, render
from core.lab.manager.show import gib
from core.lab.manager.texts import agent_failed, error_time, reply_time
from core.lab.operations import CallRefusedError
from core.lab.world import LabServer, Switches

TIME = "2017-08-08 09:43:08,874 EDT"
EDT = timezone(timedelta(hours=-4), "EDT")
RECORDED = Path(__file__).parents[2] / "fixtures/manager-cli-transcripts/show-physicaldisk-verbose-3.3.txt"
# the first reply of the transcript, without its comment and prompt lines
SHOW_DISK = "".join(
    line for line in RECORDED.read_text().splitlines(keepends=True)[:14] if not line.startswith(("#", "OVM>"))
).split("Command:")[1]
SHOW_DISK = f"Command:{SHOW_DISK}"
ATTRIBUTES = [(line[2:].split(" = ", 1)[0], line.split(" = ", 1)[1]) for line in SHOW_DISK.splitlines()[4:]]
TEXT = st.text(max_size=40)


def verbose(reply: Reply, command: str = "x", switches: Switches | None = None, mode: str = "Verbose") -> str:
    return render(reply, command=command, time=TIME, mode=mode, switches=switches or Switches())


def test_show_is_the_recorded_transcript() -> None:
    reply = Reply(Body.SHOW, attributes=ATTRIBUTES)
    assert verbose(reply, "show physicaldisk id=0004fb00001800008188f5f91b172e9d") == SHOW_DISK


def test_list_lines_are_the_recorded_ones() -> None:
    reply = Reply(Body.LIST, items=[("0004fb00001800008188f5f91b172e9d", "DGC (1)"), ("0004fb", "ebsdb;")])
    assert verbose(reply).splitlines()[3:] == [
        "Data: ",
        "  id:0004fb00001800008188f5f91b172e9d  name:DGC (1)",
        "  id:0004fb  name:ebsdb;",
    ]


def test_times_have_the_recorded_forms() -> None:
    when = datetime(2017, 8, 8, 9, 43, 8, 874_000, tzinfo=EDT)
    assert reply_time(when) == TIME
    assert error_time(datetime(2016, 7, 20, 16, 30, 40, tzinfo=UTC)) == "Wed Jul 20 16:30:40 UTC 2016"


def test_agent_failure_has_the_recorded_form() -> None:
    server = LabServer("lab01", "10.0.0.32", "aa")
    error = agent_failed(
        server, "create_server_pool", CallRefusedError("Invalid hostname resolution: lab01 -> 127.0.0.1")
    )
    assert str(error) == (
        "OVMAPI_4010E Attempt to send command: create_server_pool to server: lab01 failed. \n"
        "OVMAPI_4004E Sync command failed on server: 10.0.0.32. \n"
        "Command: create_server_pool, Server error: org.apache.xmlrpc.XmlRpcException: "
        "<type 'exceptions.Exception'>:Invalid hostname resolution: lab01 -> 127.0.0.1"
    )


def test_failure_has_no_data() -> None:
    text = verbose(Reply(error="first\nsecond", job_id="123"))
    assert text == (f"Command: x\nStatus: Failure\nTime: {TIME}\nJobId: 123\nError Msg: first\nsecond\n")


def test_switches_change_what_is_unconfirmed() -> None:
    empty = Reply(Body.LIST, job_id="1")
    assert verbose(empty).endswith("JobId: 1\nData: \n")
    assert verbose(empty, switches=Switches(empty_list_none=True, job_id_line=False)).endswith(
        f"{TIME}\nData: \n  None\n"
    )
    order = ("status", "command", "time", "error")
    assert verbose(Reply(), switches=Switches(extra={"header_order": order})).startswith(
        "Status: Success\nCommand: x\n"
    )
    bare = Reply(error="Syntax error: x", is_syntax_error=True)
    assert verbose(bare, switches=Switches(bare_syntax_error=True)) == "Syntax error: x\n"
    assert "Error Msg: Syntax error: x" in verbose(bare)


def test_sparse_is_the_data_alone() -> None:
    assert verbose(Reply(Body.LIST, items=[("1", "a")]), mode="Sparse") == "  id:1  name:a\n"
    assert verbose(Reply(), mode="Sparse") == ""
    assert verbose(Reply(error="no"), mode="Sparse") == "no\n"


@given(st.lists(st.tuples(TEXT, TEXT), max_size=5), TEXT, st.booleans())
def test_xml_is_always_well_formed(pairs: list[tuple[str, str]], command: str, is_show: bool) -> None:
    reply = Reply(Body.SHOW, attributes=pairs) if is_show else Reply(Body.LIST, items=pairs)
    root = ET.fromstring(verbose(reply, command, mode="Xml").encode("utf-8", "replace"))
    name = "ShowCommandResult" if is_show else "ListCommandResult"
    assert root.tag == "Result"
    assert len(root.findall(f"CommandData/{name}")) == len(pairs)


def test_xml_paths_are_those_of_the_known_parser() -> None:
    show = ET.fromstring(
        verbose(Reply(Body.SHOW, attributes=[("Ip Address", "10.0.0.1 <&>")]), mode="Xml").encode()
    )
    assert show.findtext("Status") == "Success"
    assert show.findtext("CommandData/ShowCommandResult/PropertyName") == "Ip Address"
    assert show.findtext("CommandData/ShowCommandResult/PropertyValue") == "10.0.0.1 <&>"
    failed = ET.fromstring(verbose(Reply(error="no"), mode="Xml").encode())
    assert (failed.findtext("Status"), failed.findtext("ErrorMsg")) == ("Failure", "no")
    one = Switches(extra={"xml_one_list": True})
    listed = ET.fromstring(
        verbose(Reply(Body.LIST, items=[("1", "a"), ("2", "b")]), mode="Xml", switches=one).encode()
    )
    assert [item.text for item in listed.findall("CommandData/ListCommandResult/Id")] == ["1", "2"]
    assert len(listed.findall("CommandData/ListCommandResult")) == 1


def test_sizes_are_gib_in_float_text() -> None:
    assert (gib(200 * 2**30), gib(12884901888)) == ("200.0", "12.0")
