"""One server's own look over an imagined session: patience on slow lines, and second tries of silent ports."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import pytest

from core.platforms.oracle_vm.look_dom0 import Dom0Look
from core.transports.base import Completed
from core.transports.limits import Limits
from tests.unit.checks.builders import spec

NAME = "203.0.113.11"
Answer = tuple[str, int]


class Server:
    """Answers every command by `answer`; keeps the limits that commands were given over there."""

    server = NAME

    def __init__(self, answer: Callable[[int, str], Answer]) -> None:
        self.answer, self.batches = answer, 0
        self.limits: dict[str, int] = {}

    async def run(self, argv: Sequence[str] | str, *, limit_s: float, stdin: str | None = None) -> Completed:
        self.batches += 1
        out = []
        for line in str(argv).splitlines():
            match = re.match(r"echo (\w+):begin:([\w.-]+); \((.*)\) </dev/null", line)
            if match is None:
                continue
            token, name, command = match.groups()
            if own := re.match(r"pw_w (\d+) ", command):
                self.limits[name] = int(own[1])
            text, status = self.answer(self.batches, name)
            out.append(f"{token}:begin:{name}\n{text}{token}:end:{name}:{status}\n")
        return Completed(0, "".join(out), "")


async def looked(server: Server, limits: Limits | None = None) -> Dom0Look:
    look = Dom0Look(NAME, NAME, spec(), limits or Limits())
    await look.run(server)
    await look.look_at_peers(server, ())
    return look


def plain(_batch: int, name: str) -> Answer:
    return ("ovs01\n", 0) if name == "hostname" else ("", 0)


@pytest.mark.asyncio
async def test_commands_get_more_time_over_there_where_the_line_does() -> None:
    usual, slow, quick = Server(plain), Server(plain), Server(plain)
    await looked(usual)
    await looked(slow, Limits(ssh_command_s=60.0))
    await looked(quick, Limits(ssh_command_s=1.0))
    assert usual.limits["xl_info"] == 10
    assert slow.limits == {name: 3 * seconds for name, seconds in usual.limits.items()}
    assert quick.limits == usual.limits, "less time for the line is no less time for a disk"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (("", 0), "open"),
        (("", 124), "timeout"),
        (("Connection refused", 1), "refused"),
        (("", 127), "timeout"),
    ],
)
async def test_a_silent_port_is_tried_again(second: Answer, expected: str) -> None:
    def answer(batch: int, name: str) -> Answer:
        if name == "try-1":
            return "", 124
        return second if name == "later.try-1" else plain(batch, name)

    server = Server(answer)
    look = await looked(server)
    states = look.seen["ports_reached"].value
    assert states is not None
    assert states["nas01:2049"] == expected
    assert [state for port, state in states.items() if port != "nas01:2049"] == ["open", "open"]
    assert server.batches == 3
    assert [name for name in server.limits if name.startswith("later.")] == ["later.try-1"]
