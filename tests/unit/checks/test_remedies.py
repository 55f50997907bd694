"""Fixes as commands: with this server's own names, in the release's words, and never with a hostile word."""

from __future__ import annotations

import asyncio
import shlex
from pathlib import Path

import pytest

from core.checks.runner import run_checks
from core.checks.server.reach import judge_plane
from core.errors import ConnectTrouble
from core.models.facts import Address, Bond, BondPort, PlaneFact, PlaneState
from core.models.results import CheckResult, FixCommand
from core.platforms.oracle_vm.facts import OvmServerFacts
from tests.unit.checks.builders import LUN, OK, REGISTRY, context, lun, server

FIRST = "203.0.113.11"


async def commands_of(check_id: str, *servers: OvmServerFacts, **how: object) -> tuple[FixCommand, ...]:
    """The commands of the first result of this check."""
    ctx = context(*servers, **how)  # type: ignore[arg-type]
    results: list[CheckResult] = [one for one in await run_checks(REGISTRY, ctx) if one.id == check_id]
    return next((one.commands for one in results if one.commands), ())


def test_every_remedy_belongs_to_a_check() -> None:
    assert set(REGISTRY.remedies) <= set(REGISTRY.checks)
    assert len(REGISTRY.remedies) >= 20


@pytest.mark.asyncio
async def test_the_hosts_file_is_mended_by_the_very_commands(tmp_path: Path) -> None:
    """They are run here, on a copy, by a real shell."""
    on_loopback = ("localhost", "ovs01.example.com", "ovs01")
    made = await commands_of(
        "server.hostname.loopback", server(1, hostname="ovs01", loopback_names=on_loopback), server(2)
    )
    hosts = tmp_path / "hosts"
    hosts.write_text(
        "127.0.0.1   ovs01.example.com ovs01 localhost localhost.localdomain\n"
        "::1 localhost ovs01\n203.0.113.99 ovs011\n"
    )
    for one in made[:-1]:
        assert (one.where, one.withheld) == (FIRST, "")
        text = one.text.replace("/etc/hosts", shlex.quote(str(hosts)))
        done = await asyncio.create_subprocess_exec("/bin/sh", "-c", text)
        assert await done.wait() == 0
    lines = [line.split() for line in hosts.read_text().splitlines()]
    assert lines == [
        ["127.0.0.1", "localhost", "localhost.localdomain"],
        ["::1", "localhost"],
        ["203.0.113.99", "ovs011"],
        [FIRST, "ovs01.example.com", "ovs01"],
    ]


@pytest.mark.asyncio
async def test_an_orphaned_virtual_ip_is_taken_off_its_own_device() -> None:
    own = Address(interface="cb007100", address=FIRST, prefix=24)
    left = Address(interface="cb007100", address="203.0.113.60", prefix=32)
    (one,) = await commands_of("server.vip.orphan", server(1, addresses=(own, left)), server(2))
    assert one.text == "ip addr del 203.0.113.60/32 dev cb007100"
    assert one.destroys == "the address 203.0.113.60"


UNREACHABLE = PlaneState.UNREACHABLE
T = ConnectTrouble
OPEN = ("iptables -S INPUT", "iptables -I INPUT -p tcp --dport 8899 -j ACCEPT", "service iptables save")
LOG = ("service ovs-agent status", "tail -n 50 /var/log/ovs-agent.log")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("plane", "texts", "words"),
    [
        (PlaneFact(state=UNREACHABLE, trouble=T.NO_NAME), (), "correct the name"),
        (
            PlaneFact(state=UNREACHABLE, trouble=T.NOBODY_LISTENS),
            ("service ovs-agent status", "service ovs-agent start"),
            "start the service",
        ),
        (PlaneFact(state=UNREACHABLE, trouble=T.NO_ANSWER), OPEN, "firewall drops"),
        (PlaneFact(state=UNREACHABLE, trouble=T.NO_ROUTE), OPEN, "firewall rejects"),
        (PlaneFact(state=UNREACHABLE, trouble=T.HUNG_UP), LOG, "hangs up"),
        (PlaneFact(state=UNREACHABLE, trouble=T.SILENT), LOG, "says nothing"),
        (
            PlaneFact(state=UNREACHABLE, trouble=T.NO_TLS),
            ("grep -n ssl /etc/ovs-agent/agent.ini",),
            "does not speak TLS",
        ),
        (PlaneFact(state=UNREACHABLE, trouble=T.HANDSHAKE), LOG, "no session comes about"),
        (PlaneFact(state=UNREACHABLE, trouble=T.OTHER), ("service ovs-agent status",), "runs"),
        (PlaneFact(state=UNREACHABLE), ("service ovs-agent status",), "runs"),  # a plan of an older release
        (PlaneFact(state=PlaneState.OLD_CRYPTO, reason="offers TLS 1.0"), (), "allow_old_crypto"),
        (PlaneFact(state=PlaneState.UNTRUSTED), (), "fingerprint"),
        (PlaneFact(state=PlaneState.BROKEN), LOG, "cannot be read"),
    ],
)
async def test_an_agent_that_does_not_answer_gets_the_commands_of_its_cause(
    plane: PlaneFact, texts: tuple[str, ...], words: str
) -> None:
    ctx = context(server(1, planes={"agent": plane, "ssh": OK}), server(2))
    result = next(one for one in await run_checks(REGISTRY, ctx) if one.id == "network.agent.port")
    assert tuple(one.text for one in result.commands) == texts
    assert words in result.fix
    assert ("firewall" in result.fix) == (texts == OPEN)
    assert ("start" in result.fix) == any("start" in text for text in texts)


@pytest.mark.asyncio
async def test_a_host_of_which_nothing_answers_gets_no_command() -> None:
    off = PlaneFact(state=UNREACHABLE, trouble=T.NO_ANSWER)
    assert (
        await commands_of("network.agent.port", server(1, planes={"agent": off, "ssh": off}), server(2)) == ()
    )


@pytest.mark.parametrize(
    "state", [one for one in PlaneState if one not in (PlaneState.OK, PlaneState.NOT_ASKED)]
)
@pytest.mark.parametrize("trouble", [*ConnectTrouble, None])
@pytest.mark.parametrize("connection", ["ssh", "manager"])
def test_every_cause_has_words_on_every_connection(
    connection: str, trouble: ConnectTrouble | None, state: PlaneState
) -> None:
    found = judge_plane(PlaneFact(state=state, trouble=trouble), connection, "it")
    assert found.hit
    assert found.fix
    stopped = trouble in (T.NO_ANSWER, T.NO_ROUTE) and state is UNREACHABLE
    assert ("firewall" in found.fix) == stopped


HOSTILE = "eth0;reboot"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("check_id", "facts"),
    [
        ("server.hostname.loopback", {"hostname": "ovs01$(reboot)", "own_name_addresses": ("127.0.0.1",)}),
        (
            "network.bond.legs",
            {"bonds": (Bond(name="bond0", mode=1, ports=(BondPort(name=HOSTILE, is_up=False),)),)},
        ),
        ("storage.lun.clean", {"pool_lun": lun(signatures=("ocfs2",), device="/dev/sdb && reboot")}),
    ],
)
async def test_a_hostile_word_never_reaches_a_command(check_id: str, facts: dict[str, object]) -> None:
    how = {"pool": {"file_system": LUN}} if check_id == "storage.lun.clean" else {}
    made = await commands_of(check_id, server(1, **facts), server(2), **how)
    assert made
    assert any(one.withheld for one in made)
    assert not any("reboot" in one.text or "delete" in one.text for one in made)
