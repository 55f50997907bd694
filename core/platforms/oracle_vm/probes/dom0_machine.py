"""Readers of dom0's own batch: hardware, processors, hypervisor, kernel."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from core.cpu.formats.xen import with_hw_caps
from core.cpu.parse import CpuFormatError, parse_profile
from core.facts import linux, solaris, system, xen
from core.facts.probe import there
from core.models.cpu import Arch, CpuProfile
from core.platforms.oracle_vm.probes.sections import (
    Sections,
    is_solaris,
    is_sun4,
    text_of,
    x86_only,
)


def read_kernel(sections: Sections) -> Mapping[str, Any]:
    return {"kernel": linux.parse_uname(text_of(sections, "uname")).release}


def read_uuid(sections: Sections) -> Mapping[str, Any]:
    """dmidecode -s system-uuid, in the agent's spelling: 16 bytes with colons (agent-rpc 5.1)."""
    for line in text_of(sections, "system_uuid").splitlines():
        plain = line.strip().lower().replace("-", "")
        if re.fullmatch(r"[0-9a-f]{32}", plain):
            return {"server_uuid": ":".join(plain[at : at + 2] for at in range(0, 32, 2))}
    raise ValueError("dmidecode gave no UUID")


def read_cpu(sections: Sections) -> Mapping[str, Any]:
    """/proc/cpuinfo of dom0 with what Xen says of the machine; psrinfo of a control domain."""
    text = text_of(sections, "psrinfo") if is_solaris(sections) else text_of(sections, "cpuinfo")
    try:
        profile = parse_profile(text)
    except CpuFormatError as error:
        raise ValueError(error.message) from error
    if is_solaris(sections):
        profile = profile.model_copy(update={"arch": Arch.SPARC}) if is_sun4(sections) else profile
        return {"cpu": profile}
    return {"cpu": _with_xen(profile, sections)}


def _with_xen(profile: CpuProfile, sections: Sections) -> CpuProfile:
    """dom0 sees only its own virtual processors: counts and hvm come from Xen."""
    try:
        info = xen.parse_info(text_of(sections, "xl_info", "xm_info"))
    except ValueError:
        return profile
    profile = with_hw_caps(profile, info.hw_caps) if info.hw_caps else profile
    known = there(
        {
            "sockets": info.sockets,
            "cores_per_socket": info.cores_per_socket,
            "threads_per_core": info.threads_per_core,
            "logical_cpus": info.logical_cpus,
            "has_hvm": info.has_hvm,
        }
    )
    return profile.model_copy(update=known)


def read_memory(sections: Sections) -> Mapping[str, Any]:
    """Memory of the machine: Xen's total on x86, prtconf's on Solaris; dom0's own is only a part of it."""
    if is_solaris(sections):
        return {"memory_mib": solaris.parse_prtconf_mib(text_of(sections, "prtconf"))}
    info = xen.parse_info(text_of(sections, "xl_info", "xm_info"))
    return there({"memory_mib": info.memory_mib, "free_memory_mib": info.free_memory_mib})


def read_hypervisor(sections: Sections) -> Mapping[str, Any]:
    info = xen.parse_info(text_of(sections, "xl_info", "xm_info"))
    return there(
        {"hypervisor": f"Xen {info.version}" if info.version else None, "vmm_capabilities": info.capabilities}
    )


def read_guests(sections: Sections) -> Mapping[str, Any]:
    return {"running_guests": xen.parse_list(text_of(sections, "xl_list", "xm_list"))}


def read_xen_options(sections: Sections) -> Mapping[str, Any]:
    found = re.search(
        r"^xen_commandline\s*:\s*(.*?)\s*$", text_of(sections, "xl_info", "xm_info"), re.MULTILINE
    )
    if found is None:
        raise ValueError("the hypervisor does not tell its options")
    return {"hypervisor_options": found[1][:1000]}


def read_boot_kernel(sections: Sections) -> Mapping[str, Any]:
    x86_only(sections)
    return {"boot_kernel": system.parse_grub(text_of(sections, "grub"))}


def read_boot_time(sections: Sections) -> Mapping[str, Any]:
    x86_only(sections)
    now_s, _ = linux.parse_epoch(text_of(sections, "date"))
    return {"boot_time_s": int(now_s - system.parse_uptime_s(text_of(sections, "uptime")))}


def read_zone(sections: Sections) -> Mapping[str, Any]:
    x86_only(sections)
    found = re.search(r"""^ZONE=["']?([\w/+-]{1,60})""", text_of(sections, "zone"), re.MULTILINE)
    return {"time_zone": found[1]} if found else {}


def read_bios(sections: Sections) -> Mapping[str, Any]:
    x86_only(sections)
    lines = [
        line.strip() for line in text_of(sections, "bios").splitlines() if line.strip() and line[0] != "#"
    ]
    return {"bios_version": lines[0][:100]} if lines else {}


def read_modules(sections: Sections) -> Mapping[str, Any]:
    x86_only(sections)
    section = sections["modules"]
    if section.status in (None, 126, 127):
        raise section.no_answer()
    return {"cluster_modules": section.worked}


def read_kernel_log(sections: Sections) -> Mapping[str, Any]:
    return {"kernel_trouble": system.parse_trouble(text_of(sections, "dmesg"))}
