"""Megabytes of what a parser likes least: a reader of more than linear cost runs into the time limit of every test."""

from __future__ import annotations

import pytest

from core.platforms.oracle_vm.manager_cli.parse import LINES_MAX, parse_error, parse_reply, parse_transcript
from core.platforms.oracle_vm.manager_cli.stream import ReplyBuffer

MIB = 1024 * 1024
FLOODS = {
    "prompts": "OVM> " * (2 * MIB // 5),
    "blanks": " " * (2 * MIB),
    "blanks then text": "Status: Success\n" + " " * (2 * MIB) + "x",
    "lines of blanks then text": "Status: Success\n" + (" " * 19_000 + "x\n") * 100,
    "brackets": "Status: Success\nData:\n  Id = " + "a  [" * (MIB // 2),
    "numbered": "Status: Success\nData:\n  Server " + " " * MIB + "x = 1",
    "line ends": "\n" * (4 * MIB),
    "exceptions": "Error Msg: Server error: " + "Error" * (MIB // 2),
    "ids": "Status: Success\nData:\n" + "  id:" + "a" * (2 * MIB),
    "headers": "Command: x\n" * (MIB // 8),
}


@pytest.mark.parametrize("text", FLOODS.values(), ids=FLOODS.keys())
def test_a_flood_is_read_in_time(text: str) -> None:
    reply = parse_reply(text)
    reply.numbered("Server")
    assert reply.id is not None
    parse_error(text)
    parse_transcript(text)


@pytest.mark.parametrize("name", ["prompts", "blanks", "line ends"])
def test_a_flood_in_small_chunks_is_taken_in_time(name: str) -> None:
    text = FLOODS[name]
    buffer = ReplyBuffer("list Server", 8 * MIB)
    for start in range(0, len(text), 1024):
        assert buffer.feed(text[start : start + 1024])
        buffer.is_whole(is_bare=True)
        _ = buffer.has_text


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_text_is_seen_however_it_is_cut(size: int) -> None:
    def fed(text: str) -> ReplyBuffer:
        buffer = ReplyBuffer("showversion", MIB)
        for start in range(0, len(text), size):
            buffer.feed(text[start : start + size])
        return buffer

    assert not fed("OVM> showversion\n\rOVM> ").has_text
    assert fed("OVM> showversion\n\r3.4.6.2105\n\rOVM> ").has_text
    again = fed("OVM> showversion\r\n3.4.6.2105\r\n")
    again.forget()
    assert not again.has_text


def test_more_lines_than_any_manager_holds_are_cut_off() -> None:
    reply = parse_reply("Status: Success\nData:\n" + "  id:a  name:b\n" * (LINES_MAX + 1000))
    assert LINES_MAX - 10 < len(reply.items) < LINES_MAX
