"""A session over a scripted channel: where replies end, what is sent again, what never shows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.errors import (
    BadReply,
    CommandFailed,
    CommandTimeout,
    ConnectFailed,
    LoginRefused,
    ReplyLost,
    SecretError,
    TransportError,
)
from core.platforms.oracle_vm.manager_cli.command import Command, read, write
from core.platforms.oracle_vm.manager_cli.dialect import Dialect
from core.platforms.oracle_vm.manager_cli.parse import Reply
from core.platforms.oracle_vm.manager_cli.session import ManagerSession, Timing
from core.platforms.oracle_vm.spec import Release
from core.secrets import MASK, Secrets
from core.transports.limits import Limits
from tests.examples import examples
from tests.unit.manager_cli.render import Style, failure, listed, render, shown

LIST = read("list Server")
CHANGE = write("delete Server", "id=0004fb00")
FAST = Timing(
    keep_alive_s=300.0, stale_s=300.0, quiet_s=0.02, reconnect_waits_s=(0.0, 0.0), opening_waits_s=(0.0, 0.0)
)
LIMITS = Limits(manager_login_s=2.0, manager_command_s=2.0, reply_max_bytes=4096)
DROP = "\0drop"  # the channel ends here
SECRETS = Secrets({"agent": "Sekrit-123", "manager": "Adm1n-pass"})


class ScriptedShell:
    """A CLI that answers each line by a table; chunks are cut as the table says. `{line}` becomes the typed line."""

    def __init__(self, answers: dict[str, list[str]], sent: list[str], banner: str, version: str) -> None:
        self.answers, self.sent, self.version = answers, sent, version
        self.chunks: asyncio.Queue[str] = asyncio.Queue()
        self.closed = False
        self.chunks.put_nowait(banner + "OVM> ")

    async def read(self, limit_s: float) -> str:
        if self.closed and self.chunks.empty():
            return ""
        try:
            async with asyncio.timeout(limit_s):
                chunk = await self.chunks.get()
        except TimeoutError:
            raise CommandTimeout("manager", "manager", "read", limit_s) from None
        if chunk == DROP:
            self.closed = True
            return ""
        return chunk

    async def write(self, text: str) -> None:
        if self.closed:
            raise ConnectFailed("manager", "manager", "gone")
        assert text.endswith("\r")
        line = text[:-1]
        self.sent.append(line)
        for chunk in self._answer(line):
            self.chunks.put_nowait(chunk)

    def _answer(self, line: str) -> list[str]:
        queued = self.answers.get(line) or self.answers.get(line.split(" ")[0])
        if queued:
            return (
                [queued.pop(0).replace("{line}", line)]
                if "\1" not in queued[0]
                else queued.pop(0).split("\1")
            )
        if line == "showversion":
            return [f"{line}\r\n{self.version}\n\rOVM> "]
        return [render(listed(command=line))]


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for a condition of the script."""
    async with asyncio.timeout(120):
        while not is_so():  # noqa: ASYNC110 - the script has no event
            await asyncio.sleep(0.001)


def make(
    answers: dict[str, list[str]] | None = None,
    *,
    banner: str = "",
    version: str = "3.4.6.2105",
    timing: Timing = FAST,
    limits: Limits = LIMITS,
    secrets: Secrets = SECRETS,
) -> tuple[ManagerSession, list[str], list[str]]:
    """A session, the lines it sends and the narration."""
    sent: list[str] = []
    said: list[str] = []
    table = answers if answers is not None else {}

    @asynccontextmanager
    async def open_shell() -> AsyncIterator[ScriptedShell]:
        yield ScriptedShell(table, sent, banner, version)

    session = ManagerSession(
        open_shell,
        server="manager",
        secrets=secrets,
        limits=limits,
        narrate=lambda step, line: said.append(f"{step}|{line}"),
        timing=timing,
    )
    return session, sent, said


@pytest.mark.asyncio
async def test_login_learns_the_release_behind_any_banner() -> None:
    session, sent, _ = make(
        banner="Welcome! OVM> is the prompt\r\nLast login: OVM> \r\n\n", version="3.2.11.775"
    )
    await session.open()
    assert sent == ["set OutputMode=Verbose", "showversion"]
    assert session.version == "3.2.11.775"
    assert session.dialect.release is Release.R32
    await session.close()


@pytest.mark.asyncio
async def test_a_prompt_inside_a_name_ends_no_reply() -> None:
    text = render(listed(("1", "OVM> x"), ("2", "y")))
    cut = text.index("OVM> x") + len("OVM> ")
    session, _, _ = make({"list": [text[:cut] + "\1" + text[cut:]]})
    await session.open()
    reply = await session.read(LIST)
    assert [item.name for item in reply.items] == ["OVM> x", "y"]
    await session.close()


@pytest.mark.asyncio
@pytest.mark.parametrize("line_end", ["\n\r", "\r\n", "\n", "\r"])
@pytest.mark.parametrize("size", [1, 7])
async def test_replies_in_tiny_chunks(line_end: str, size: int) -> None:
    text = render(listed(("03:aa", "ovs1")), Style(line_end=line_end))
    chunks = "\1".join(text[at : at + size] for at in range(0, len(text), size))
    session, _, _ = make({"list": [chunks]})
    await session.open()
    assert (await session.read(LIST)).items[0].name == "ovs1"
    await session.close()


@pytest.mark.asyncio
async def test_the_tail_of_an_earlier_reply_is_not_taken_for_the_answer() -> None:
    stale = render(listed(("9", "stale"), command="list ServerPool"))
    session, _, _ = make({"list": [stale + "\1" + render(listed(("1", "fresh")))]})
    await session.open()
    assert [item.name for item in (await session.read(LIST)).items] == ["fresh"]
    await session.close()


@pytest.mark.asyncio
async def test_a_bare_error_line_is_a_failure_not_a_hang() -> None:
    session, _, _ = make({"list": ["{line}\r\nSyntax error: Encountered Sever\n\rOVM> "]})
    await session.open()
    with pytest.raises(CommandFailed, match="Encountered Sever"):
        await session.read(LIST)
    await session.close()


@pytest.mark.asyncio
async def test_a_refusal_carries_manager_s_own_words() -> None:
    session, _, said = make(
        {"delete": [render(failure("OVMRU_1 no, \nit is in a pool", command=str(CHANGE)))]}
    )
    await session.open()
    with pytest.raises(CommandFailed, match="it is in a pool"):
        await session.write(CHANGE, step="own_server:ovs1")
    assert any(line.startswith("own_server:ovs1|Failure") for line in said)
    await session.close()


@pytest.mark.asyncio
async def test_a_lost_read_is_sent_again() -> None:
    session, sent, _ = make({"list": [DROP, render(listed(("1", "ovs1")))]})
    await session.open()
    assert (await session.read(LIST)).items[0].name == "ovs1"
    assert sent.count("list Server") == 2
    assert session.logins == 2
    await session.close()


@pytest.mark.asyncio
@pytest.mark.parametrize("answer", [DROP, "{line}\r\nCommand: x\n\rStatus: Succ\1" + DROP])
async def test_a_lost_write_is_never_sent_again(answer: str) -> None:
    session, sent, _ = make({"delete": [answer]})
    await session.open()
    with pytest.raises(ReplyLost) as caught:
        await session.write(CHANGE)
    assert caught.value.may_have_run
    assert sent.count(str(CHANGE)) == 1
    assert (await session.read(LIST)).is_success
    await session.close()


@pytest.mark.asyncio
async def test_a_write_without_an_answer_in_time_may_have_run() -> None:
    session, sent, _ = make(
        {"delete": ["{line}\r\n"]}, limits=Limits(manager_command_s=0.05, manager_login_s=2.0)
    )
    await session.open()
    with pytest.raises(ReplyLost, match="no answer within"):
        await session.write(CHANGE)
    assert sent.count(str(CHANGE)) == 1
    assert not session.is_connected
    await session.close()


@pytest.mark.asyncio
async def test_a_read_without_an_answer_ends_in_time() -> None:
    session, _, _ = make({"list": ["{line}\r\n"]}, limits=Limits(manager_command_s=0.05, manager_login_s=2.0))
    await session.open()
    with pytest.raises(CommandTimeout):
        await session.read(LIST)
    await session.close()


@pytest.mark.asyncio
async def test_a_flood_is_cut_off() -> None:
    session, _, _ = make({"list": ["x" * 5000]})
    await session.open()
    with pytest.raises(BadReply, match="too large"):
        await session.read(LIST)
    assert not session.is_connected
    await session.close()


@pytest.mark.asyncio
async def test_a_cancelled_command_leaves_no_stale_reply() -> None:
    session, sent, _ = make({"list": ["{line}\r\n", render(listed(("1", "ovs1")))]})
    await session.open()
    task = asyncio.create_task(session.read(LIST))
    await until(lambda: sent[-1] == "list Server")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not session.is_connected
    assert (await session.read(LIST)).items[0].name == "ovs1"
    await session.close()


@pytest.mark.asyncio
async def test_a_secret_is_in_no_word_of_ours() -> None:
    echo = "{line}\r\n"
    command = Dialect().own("0004fb00")
    wrapped = (
        'takeOwnership Server id=0004fb00 password="Sekrit\r\n-123"\r\nsome error Sekrit \r-123\n\rOVM> '
    )
    answers = [
        echo + render(failure("bad password=Sekrit-123", command="{line}"), Style(echo=False)),
        wrapped,
    ]
    session, sent, said = make({"takeOwnership": answers})
    await session.open()
    errors = []
    for _ in range(2):
        with pytest.raises(CommandFailed) as caught:
            await session.write(command)
        errors.append(str(caught.value) + repr(vars(caught.value)))
    assert sent[-1] == 'takeOwnership Server id=0004fb00 password="Sekrit-123"'
    everything = "\n".join([*said, *errors]).replace(" ", "")
    assert "Sekrit" not in everything
    assert "<agentpassword>" in everything
    await session.close()


@pytest.mark.asyncio
async def test_an_unsafe_secret_is_refused_before_anything_is_sent() -> None:
    session, sent, _ = make()
    session._secrets = Secrets({"agent": "who?"})
    await session.open()
    with pytest.raises(SecretError):
        await session.write(Dialect().own("0004fb00"))
    assert sent == ["set OutputMode=Verbose", "showversion"]
    await session.close()


@pytest.mark.asyncio
async def test_idle_sessions_are_kept_alive() -> None:
    session, sent, _ = make(timing=Timing(keep_alive_s=0.01, quiet_s=0.02, reconnect_waits_s=(0.0,)))
    await session.open()
    await until(lambda: sent.count("showversion") >= 4)
    await session.close()


@pytest.mark.asyncio
async def test_a_long_silent_line_is_tried_before_a_write() -> None:
    session, sent, _ = make(timing=Timing(stale_s=0.0, quiet_s=0.02, reconnect_waits_s=(0.0,)))
    await session.open()
    shell = session._shell
    assert isinstance(shell, ScriptedShell)
    shell.closed = True
    shell.answers["delete"] = [render(failure("no", command=str(CHANGE)))]
    with pytest.raises(CommandFailed):
        await session.write(CHANGE)
    assert sent.count(str(CHANGE)) == 1
    assert session.logins == 2
    await session.close()


@pytest.mark.asyncio
async def test_one_command_at_a_time() -> None:
    session, sent, _ = make({"show": [render(shown(("Name", "a"), command="show Server id=a"))] * 2})
    await session.open()
    command: Command = Dialect().show("Server", "a")
    first, second = await asyncio.gather(session.read(command), session.read(LIST))
    assert first.name == "a"
    assert second.items == ()
    assert sent[-2:] == ["show Server id=a", "list Server"]
    await session.close()


@pytest.mark.asyncio
async def test_no_release_is_guessed() -> None:
    session, _, _ = make({"showversion": ["showversion\r\nnobody knows\n\rOVM> "]})
    with pytest.raises(BadReply, match="release"):
        await session.open()


@pytest.mark.asyncio
async def test_a_reply_that_stops_in_the_middle_is_lost() -> None:
    whole = render(listed(("1", "ovs1")))
    timing = Timing(quiet_s=0.02, stall_s=0.02, reconnect_waits_s=(0.0,))
    session, _, _ = make({"list": [whole.removesuffix("OVM> "), whole]}, timing=timing)
    await session.open()
    assert (await session.read(LIST)).items[0].name == "ovs1"
    assert session.logins == 2
    await session.close()


def opening(*failures: Exception | str) -> tuple[ManagerSession, list[str]]:
    """A session whose first logins fail so: an error instead of a shell, or DROP for a shell that ends at once."""
    waiting, tries = list(failures), []
    said: list[str] = []

    @asynccontextmanager
    async def open_shell() -> AsyncIterator[ScriptedShell]:
        tries.append("login")
        failure = waiting.pop(0) if waiting else None
        if isinstance(failure, Exception):
            raise failure
        shell = ScriptedShell({}, tries, "", "3.4.6.2105")
        if failure == DROP:
            shell.chunks = asyncio.Queue()
            shell.chunks.put_nowait(DROP)
        yield shell

    session = ManagerSession(
        open_shell, server="manager", secrets=SECRETS, limits=LIMITS, timing=FAST,
        narrate=lambda _step, line: said.append(line),
    )  # fmt: skip
    return session, tries


def _cut() -> ConnectFailed:
    error = ConnectFailed("manager", "manager", "cannot connect: it closed the connection")
    error.__cause__ = ConnectionResetError()
    return error


@pytest.mark.asyncio
@pytest.mark.parametrize("failures", [(_cut(),), (DROP,), (DROP, _cut())], ids=["reset", "no prompt", "both"])
async def test_a_hang_up_at_the_first_login_is_tried_again(failures: tuple[Exception | str, ...]) -> None:
    session, tries = opening(*failures)
    await session.open()
    assert tries.count("login") == len(failures) + 1
    assert session.version == "3.4.6.2105"
    await session.close()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("failures", "logins"),
    [
        ((LoginRefused("manager", "manager", "cannot log in: refused"),), 1),
        ((ConnectFailed("manager", "manager", "cannot connect: nothing listens"),), 1),
        ((DROP, LoginRefused("manager", "manager", "cannot log in: refused")), 2),
        ((DROP, DROP, DROP), 3),
    ],
    ids=["refused", "shut", "refused after a hang-up", "always"],
)
async def test_other_failures_of_the_first_login_are_told_at_once(
    failures: tuple[Exception | str, ...], logins: int
) -> None:
    session, tries = opening(*failures)
    with pytest.raises(TransportError):
        await session.open()
    assert tries == ["login"] * logins
    await session.close()


NAMES = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)


@given(NAMES, NAMES, st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=3, max_size=8))
@example("1", "prod@dc1", "prod")
@example("a:b@c", "pool1", "pool1")
@examples(60)
def test_whatever_the_secret_a_reply_reads_the_same(id_: str, name: str, secret: str) -> None:
    """And nothing that is said of the reply holds the secret."""

    async def told(secrets: Secrets) -> tuple[Reply, Reply, str]:
        items = listed((id_, name), (secret, f"x{secret}"), command="list Server")
        no = failure(f"no {name} and {secret} here", command="list Job")
        session, _, said = make({"list Server": [render(items)], "list Job": [render(no)]}, secrets=secrets)
        await session.open()
        found, refused = await session.read(LIST), await session.try_read(read("list Job"))
        with pytest.raises(CommandFailed) as caught:
            session._checked(read("list Job"), refused)
        await session.close()
        return found, refused, f"{caught.value} {caught.value.text} {caught.value.reason} {said[-1]}"

    with_it = asyncio.run(told(Secrets({"agent": secret})))
    assert with_it[:2] == asyncio.run(told(Secrets()))[:2]
    frame = asyncio.run(told(Secrets({"agent": "\0no"})))[2].replace(secret, "")
    assert secret in frame or secret in MASK or secret not in with_it[2].replace(MASK, "")
