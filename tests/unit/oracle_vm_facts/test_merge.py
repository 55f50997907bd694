"""What the planes say, made one: precedence, ownership, clocks, and what Manager fills in."""

from __future__ import annotations

from typing import Any

import pytest

from core.facts.probe import Observed
from core.models.cpu import Arch
from core.models.facts import Disk, Mount, PlaneFact, PlaneState
from core.platforms.oracle_vm.facts import AgentLogin, ManagedDisk, ManagedServer, OvmServerFacts
from core.platforms.oracle_vm.merge import merge
from tests.unit.checks.builders import OTHER, OWN, WWID, absent, haswell, lun, manager, seen

UUID = "aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:01"
OK = PlaneFact(state=PlaneState.OK)
REFUSED = PlaneFact(state=PlaneState.REFUSED, reason="HTTP 403")


def entry(**update: Any) -> ManagedServer:
    values = {"id": UUID, "name": "ovs01", "address": "203.0.113.11", "owner": OWN, "state": "Running"}
    return ManagedServer(**{**values, **update})


def observed(**values: Any) -> Observed:
    return {name: value if hasattr(value, "is_known") else seen(value) for name, value in values.items()}


def merged(
    agent: Observed | None = None, dom0: Observed | None = None, told: Any = None, plane: PlaneFact = OK
) -> OvmServerFacts:
    return merge("203.0.113.11", "203.0.113.11", {"agent": plane}, agent or {}, dom0 or {}, told)


def test_the_agent_comes_before_dom0_and_dom0_before_manager() -> None:
    told = manager(servers=(entry(hostname="manager-says"),))
    assert merged(observed(hostname="a"), observed(hostname="d"), told).hostname.value == "a"
    assert merged(observed(hostname=absent("no")), observed(hostname="d"), told).hostname.value == "d"
    assert merged({}, {}, told).hostname.value == "manager-says"


def test_dom0_comes_first_for_what_only_it_sees_whole() -> None:
    mount = Mount(device="d", path="/p", kind="nfs")
    assert merged(observed(mounts=()), observed(mounts=(mount,))).mounts.value == (mount,)


def test_a_fact_nobody_told_carries_every_reason_once() -> None:
    facts = merged(observed(kernel=absent("agent refuses")), observed(kernel=absent("SSH is down")))
    assert facts.kernel.missing == "agent refuses; SSH is down"
    assert merged({"kernel": absent("x")}, {"kernel": absent("x")}).kernel.missing == "x"


@pytest.mark.parametrize(
    ("agent", "dom0", "listed", "expected"),
    [
        (None, None, None, None),
        (OTHER, None, None, OTHER),
        (None, OTHER, None, OTHER),  # 'nobody' never wins over a named owner
        (None, absent("x"), OWN, None),  # the server itself wins over Manager's list
        (absent("x"), absent("x"), OWN, OWN),
    ],
)
def test_owner(agent: Any, dom0: Any, listed: str | None, expected: str | None) -> None:
    told = manager(servers=(entry(owner=listed),))
    assert merged(observed(owner=agent), observed(owner=dom0), told).owner.value == expected


def test_an_owner_that_nobody_can_tell_is_not_known() -> None:
    assert not merged(observed(owner=absent("x")), {}, manager(servers=(entry(owner=None),))).owner.is_known


@pytest.mark.parametrize(
    ("plane", "owner", "expected"),
    [
        (OK, None, AgentLogin.ACCEPTED),
        (REFUSED, None, AgentLogin.REFUSED),
        (REFUSED, absent("x"), AgentLogin.REFUSED),
        (REFUSED, OWN, AgentLogin.REFUSED_OWNED),
    ],
)
def test_a_refusal_of_an_owned_server_is_no_wrong_password(
    plane: PlaneFact, owner: Any, expected: AgentLogin
) -> None:
    assert merged({}, observed(owner=owner), plane=plane).agent_login.value is expected


def test_a_login_that_was_not_tried_is_not_known() -> None:
    down = PlaneFact(state=PlaneState.UNREACHABLE, reason="refused")
    assert merged(plane=down).agent_login.missing == "refused"


def test_the_surer_clock_wins() -> None:
    sure, unsure = (
        observed(clock_offset_s=1.0, clock_error_s=0.1),
        observed(clock_offset_s=9.0, clock_error_s=5.0),
    )
    assert merged(unsure, sure).clock_offset_s.value == 1.0
    assert merged(sure, unsure).clock_offset_s.value == 1.0
    assert not merged().clock_offset_s.is_known


def test_manager_knows_that_its_own_server_is_in_no_pool_but_not_another_ones() -> None:
    assert merged({}, {}, manager(servers=(entry(),))).pool_id.is_known
    assert not merged({}, {}, manager(servers=(entry(owner=OTHER),))).pool_id.is_known


@pytest.mark.parametrize("group", ["Default_Intel_F6_M63", "Default_Intel_Family:6_Model:63"])
def test_manager_tells_a_processor_by_its_group(group: str) -> None:
    cpu = merged({}, {}, manager(servers=(entry(cpu_group=group, processor_type="X86_64"),))).cpu.value
    assert cpu is not None
    assert cpu.key == ("GenuineIntel", "6", "63")
    assert cpu.arch is Arch.X86_64


def test_a_processor_is_completed_by_what_other_calls_tell() -> None:
    bare = haswell(kernel=None, platform_release=None, hypervisor=None, has_hvm=None)
    facts = merged(
        observed(
            cpu=bare,
            kernel="4.1",
            release="3.4.6",
            hypervisor="Xen 4.4",
            vmm_capabilities=("hvm-3.0-x86_64",),
        )
    )
    cpu = facts.cpu.value
    assert cpu is not None
    assert (cpu.kernel, cpu.platform_release, cpu.has_hvm) == ("4.1", "3.4.6", True)


def test_an_unreadable_hardware_document_still_leaves_the_architecture() -> None:
    facts = merged(observed(cpu=absent("cut"), cpu_type="sparc"))
    assert facts.cpu.value is not None
    assert facts.cpu.value.arch is Arch.SPARC
    assert not merged(observed(cpu=absent("cut"))).cpu.is_known


def test_manager_says_which_disk_is_local() -> None:
    told = manager(disks=(ManagedDisk(id="d", name="d", page83=WWID, is_local=True),))
    facts = merged(observed(disks=(Disk(name="sda", wwid=WWID[1:]),), pool_lun=lun(is_local=None)), {}, told)
    assert facts.disks.value is not None
    assert facts.disks.value[0].is_local is True
    assert facts.pool_lun.value is not None
    assert facts.pool_lun.value.is_local is True
