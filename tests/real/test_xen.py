"""One Xen 4.17 dom0 in emulation: `xl info`, the capability words and dom0's flags against the machine's real ones."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from core.facts import xen
from core.models.cpu import CpuProfile
from tests.real.looking import SLOW, Look, Reached, look, spec_of
from tests.real.machines import Lab, Machine, running_or_skip, why_not

pytestmark = [
    pytest.mark.real,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(bool(why_not()), reason=why_not() or "-"),
]

# SMAP kills dom0 and MWAIT Xen itself under QEMU 7.2's emulation
DOM0 = Machine(5, memory_mib=768, cpu="EPYC,+svm,+npt,-smap,-monitor", is_xen=True)
_XENSTORE = (
    "for m in xenfs xen-privcmd xen-evtchn xen-gntdev xen-gntalloc; do modprobe $m; done; mount -t xenfs x /proc/xen;"
    " mkdir -p /run/xen /run/xenstored /var/log/xen/console /var/lib/xen /run/lock; B=/usr/lib/xen-4.17/bin;"
    " $B/oxenstored --pid-file /run/xenstored.pid;"
    " until xenstore-write /local/domain/0/name Domain-0 2>/dev/null; do sleep .2; done; $B/xen-init-dom0"
)


@pytest.fixture(scope="module")
def dom0(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_or_skip(tmp_path_factory.mktemp("xen"), [DOM0]) as lab:
        lab.run(DOM0, _XENSTORE)
        yield lab


@pytest.fixture(scope="module")
def seen(dom0: Lab) -> Look:
    nowhere = {"kind": "nfs", "server": "10.77.0.254", "export": "/none"}
    reached = [Reached(DOM0.address, dom0.ports[DOM0.address])]
    return asyncio.run(look(spec_of(reached, dom0.key_file, vip="10.77.0.100", file_system=nowhere), SLOW))


def test_xl_info_becomes_facts(dom0: Lab, seen: Look) -> None:
    facts = seen.facts(DOM0.address)
    told = xen.parse_info(dom0.run(DOM0, "xl info"))
    assert told.version is not None
    assert told.version.startswith("4.17")
    assert facts.hypervisor.value == f"Xen {told.version}"
    assert told.memory_mib is not None
    assert DOM0.memory_mib - 32 <= told.memory_mib <= DOM0.memory_mib
    assert facts.memory_mib.value == told.memory_mib
    assert (told.logical_cpus, told.sockets, told.cores_per_socket) == (1, 1, 1)
    assert told.has_hvm is True
    assert "hvm-3.0-x86_64" in (facts.vmm_capabilities.value or ())
    assert facts.running_guests.value == ()


def test_capability_words_are_the_machines(dom0: Lab, seen: Look) -> None:
    """hw_caps words 0 and 1 are CPUID leaf 1 and 0x80000001 EDX/ECX: bits that QEMU's EPYC has, or was denied."""
    words = xen.parse_info(dom0.run(DOM0, "xl info")).hw_caps
    assert len(words) >= 8
    leaf1_edx, leaf1_ecx, ext_edx, ext_ecx = words[:4]
    for word, bit, name in (
        (leaf1_edx, 25, "sse"),
        (leaf1_edx, 26, "sse2"),
        (leaf1_ecx, 20, "sse4_2"),
        (leaf1_ecx, 25, "aes"),
        (ext_edx, 20, "nx"),
        (ext_edx, 29, "lm"),
        (ext_ecx, 2, "svm"),
    ):
        assert word >> bit & 1, name
    assert not leaf1_ecx >> 3 & 1, "monitor was taken away"


def test_dom0_flags_are_less_than_the_machines(dom0: Lab, seen: Look) -> None:
    """dom0's cpuinfo is filtered by Xen: what a check compares must come from below it."""
    cpuinfo = dom0.run(DOM0, "grep -m1 ^flags /proc/cpuinfo").split()
    assert "svm" not in cpuinfo
    profile = seen.facts(DOM0.address).cpu.value
    assert isinstance(profile, CpuProfile)
    assert (profile.vendor, profile.family) == ("AuthenticAMD", "23")
    assert {"sse4_2", "aes", "nx", "lm"} <= set(profile.flags)
    assert "monitor" not in profile.flags
    assert "smap" not in profile.flags


def test_boot_line_of_xen_is_read(seen: Look) -> None:
    options = seen.facts(DOM0.address).hypervisor_options.value
    assert options is not None
    assert "dom0_mem=320M" in options
