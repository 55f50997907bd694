"""What a server's own system tells, from the sections of a batch: generic Linux and Solaris, and Oracle VM's files."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from core.cpu.formats.xen import with_hw_caps
from core.cpu.parse import CpuFormatError, parse_profile
from core.facts import linux, network, solaris, system, xen
from core.facts.batch import Section
from core.facts.firewall import parse_iptables
from core.facts.probe import Observed, Probe, there
from core.models.cpu import Arch, CpuProfile
from core.platforms.oracle_vm.probes.files import (
    parse_agent_db,
    parse_cluster_conf,
    parse_o2cb,
    parse_o2cb_settings,
    parse_release,
)

Sections = Mapping[str, Section]


def _text(sections: Sections, *names: str) -> str:
    """Output of the first command that worked; ValueError tells why the first one did not."""
    first: Section | None = None
    for name in names:
        section = sections.get(name)
        if section is not None and section.worked:
            return section.text
        first = first or section
    raise ValueError(first.why_not if first is not None else "not asked")


def _is_missing_file(section: Section | None) -> bool:
    return section is not None and section.status == 1 and "No such file" in section.text


def is_solaris(sections: Sections) -> bool:
    """Whether `uname` says SunOS."""
    section = sections.get("uname")
    return section is not None and section.text.startswith("SunOS")


def read_kernel(sections: Sections) -> Mapping[str, Any]:
    return {"kernel": linux.parse_uname(_text(sections, "uname")).release}


def read_hostname(sections: Sections) -> Mapping[str, Any]:
    words = _text(sections, "hostname").split()
    return {"hostname": words[0]} if words else {}


def read_loopback(sections: Sections) -> Mapping[str, Any]:
    return {"loopback_names": linux.loopback_names(linux.parse_hosts(_text(sections, "hosts")))}


def read_interfaces(sections: Sections) -> Mapping[str, Any]:
    if is_solaris(sections):
        return {"interfaces": solaris.parse_links(_text(sections, "dlinks"))}
    masters = {
        match[1]: match[2]
        for match in re.finditer(
            r"^\d+:\s+([^:@\s]+)[^\n]*\bmaster (\S+)", _text(sections, "link"), re.MULTILINE
        )
    }
    found = linux.parse_ip_link(_text(sections, "link"))
    return {"interfaces": tuple(one.model_copy(update={"master": masters.get(one.name)}) for one in found)}


def read_addresses(sections: Sections) -> Mapping[str, Any]:
    if is_solaris(sections):
        found = solaris.parse_ipadm(_text(sections, "ipadm"))
    else:
        found = linux.parse_ip_addr(_text(sections, "addr"))
    if not found:
        raise ValueError("no address was shown")
    return {"addresses": found}


def read_gateway(sections: Sections) -> Mapping[str, Any]:
    return {"default_gateway": linux.parse_default_gateway(_text(sections, "route", "netstat"))}


def read_mounts(sections: Sections) -> Mapping[str, Any]:
    return {"mounts": linux.parse_mounts(_text(sections, "mounts"))}


def read_firewall(sections: Sections) -> Mapping[str, Any]:
    """No iptables at all means that no rule of it stops anything."""
    tools = [sections.get(name) for name in ("iptables", "iptables_save")]
    if all(tool is not None and tool.status == 127 for tool in tools):
        return {"firewall_rules": ()}
    return {"firewall_rules": parse_iptables(_text(sections, "iptables", "iptables_save"))}


def read_initiator(sections: Sections) -> Mapping[str, Any]:
    if _is_missing_file(sections.get("initiator")):
        return {"initiator": None}
    return {"initiator": linux.parse_initiator(_text(sections, "initiator"))}


def read_ntp(sections: Sections) -> Mapping[str, Any]:
    return {"ntp_servers": linux.parse_ntp_conf(_text(sections, "ntp_conf"))}


def read_network_tags(sections: Sections) -> Mapping[str, Any]:
    """The meta files that Manager writes beside the interfaces' own (agent-rpc 5.5); none on a fresh server."""
    if is_solaris(sections):
        raise ValueError("a control domain keeps no such files")
    section = sections.get("network_meta")
    if section is None or section.status not in (0, 1, 2):
        raise ValueError(section.why_not if section is not None else "not asked")
    found = re.findall(
        r"^\S{0,200}/meta-([\w.:-]{1,32}):(?:METADATA=)?(.{1,400})$", section.text, re.MULTILINE
    )
    return {"network_tags": tuple(f"{name} {tag.strip()}" for name, tag in found)}


def read_uuid(sections: Sections) -> Mapping[str, Any]:
    """dmidecode -s system-uuid, in the agent's spelling: 16 bytes with colons (agent-rpc 5.1)."""
    for line in _text(sections, "system_uuid").splitlines():
        plain = line.strip().lower().replace("-", "")
        if re.fullmatch(r"[0-9a-f]{32}", plain):
            return {"server_uuid": ":".join(plain[at : at + 2] for at in range(0, 32, 2))}
    raise ValueError("dmidecode gave no UUID")


def read_release(sections: Sections) -> Mapping[str, Any]:
    found = parse_release(_text(sections, "release", "info"))
    return {"release": found, "ovm_version": found}


def read_cpu(sections: Sections) -> Mapping[str, Any]:
    """/proc/cpuinfo of dom0 with what Xen says of the machine; psrinfo of a control domain."""
    text = _text(sections, "psrinfo") if is_solaris(sections) else _text(sections, "cpuinfo")
    try:
        profile = parse_profile(text)
    except CpuFormatError as error:
        raise ValueError(error.message) from error
    if is_solaris(sections):
        profile = profile.model_copy(update={"arch": Arch.SPARC}) if _is_sun4(sections) else profile
        return {"cpu": profile}
    return {"cpu": _with_xen(profile, sections)}


def _is_sun4(sections: Sections) -> bool:
    return "sun4" in sections["uname"].text


def _with_xen(profile: CpuProfile, sections: Sections) -> CpuProfile:
    """dom0 sees only its own virtual processors: counts and hvm come from Xen."""
    try:
        info = xen.parse_info(_text(sections, "xl_info", "xm_info"))
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
        return {"memory_mib": solaris.parse_prtconf_mib(_text(sections, "prtconf"))}
    info = xen.parse_info(_text(sections, "xl_info", "xm_info"))
    return there({"memory_mib": info.memory_mib, "free_memory_mib": info.free_memory_mib})


def read_hypervisor(sections: Sections) -> Mapping[str, Any]:
    info = xen.parse_info(_text(sections, "xl_info", "xm_info"))
    return there(
        {"hypervisor": f"Xen {info.version}" if info.version else None, "vmm_capabilities": info.capabilities}
    )


def read_guests(sections: Sections) -> Mapping[str, Any]:
    return {"running_guests": xen.parse_list(_text(sections, "xl_list", "xm_list"))}


def read_agent_db(sections: Sections) -> Mapping[str, Any]:
    """Owner and pool as the agent's own data base has them (agent-rpc 13)."""
    return parse_agent_db(_text(sections, "agent_db"))


def read_cluster(sections: Sections) -> Mapping[str, Any]:
    """/etc/ocfs2/cluster.conf and /etc/sysconfig/o2cb; no cluster.conf means that none is configured."""
    section = sections.get("cluster_conf")
    if is_solaris(sections) and section is not None and not section.worked:
        raise ValueError("a SPARC cluster keeps no cluster.conf")
    if _is_missing_file(section):
        return {"stored_cluster": None}
    stored = parse_cluster_conf(_text(sections, "cluster_conf"))
    if stored is None:
        return {"stored_cluster": None}
    o2cb = sections.get("o2cb")
    threshold = parse_o2cb(o2cb.text) if o2cb is not None and o2cb.worked else None
    digest = system.digest_of(_text(sections, "cluster_conf"))
    return {"stored_cluster": stored.model_copy(update={"heartbeat_threshold": threshold, "digest": digest})}


def read_o2cb(sections: Sections) -> Mapping[str, Any]:
    """/etc/sysconfig/o2cb; None when there is no such file."""
    _x86_only(sections)
    if _is_missing_file(sections.get("o2cb")):
        return {"o2cb": None}
    return {"o2cb": parse_o2cb_settings(_text(sections, "o2cb"))}


def _x86_only(sections: Sections) -> None:
    if is_solaris(sections):
        raise ValueError("a control domain has no such thing")


def _sparc_only(sections: Sections) -> None:
    if not is_solaris(sections):
        raise ValueError("only a control domain has such a thing")


def read_resolver(sections: Sections) -> Mapping[str, Any]:
    return {
        "dns_servers": network.parse_resolv(_text(sections, "resolv")),
        "name_sources": network.parse_nsswitch(_text(sections, "nsswitch")),
    }


def read_ntp_peers(sections: Sections) -> Mapping[str, Any]:
    """`ntpq -pn`; a daemon that refuses, or is silent and has no process, does not run."""
    section, process = sections.get("ntpq"), sections.get("ntpd")
    if section is not None and "Connection refused" in section.text:
        return {"ntp_peers": (), "ntp_is_running": False}
    try:
        return {"ntp_peers": network.parse_ntpq(_text(sections, "ntpq")), "ntp_is_running": True}
    except ValueError:
        if process is not None and process.status == 1 and not process.text.strip():
            return {"ntp_peers": (), "ntp_is_running": False}
        raise


def read_bonds(sections: Sections) -> Mapping[str, Any]:
    if is_solaris(sections):
        return {"bonds": solaris.parse_aggregations(_text(sections, "aggr"))}
    section = sections["bonds"]
    if section.status not in (0, 1, 2):
        raise ValueError(section.why_not)
    return {"bonds": network.parse_bonds(section.text)}  # grep: 1 or 2 when there is none


def read_boot_protocols(sections: Sections) -> Mapping[str, Any]:
    _x86_only(sections)
    found = network.parse_ifcfg(sections["ifcfg"].text)
    if not found:
        raise ValueError("no interface file tells its protocol")
    return {"boot_protocols": found}


def read_wakes(sections: Sections) -> Mapping[str, Any]:
    _x86_only(sections)
    return {"wakes_on_lan": network.parse_wakes(_text(sections, "wakes"))}


def read_space(sections: Sections) -> Mapping[str, Any]:
    section = sections["df"]
    if section.status is None or section.status in (126, 127) or section.was_cut:
        raise ValueError(section.why_not)
    return {"free_space": system.parse_df(section.text)}  # a status of 1 tells of one file system, not of all


def read_own_size(sections: Sections) -> Mapping[str, Any]:
    """What dom0 itself has, as Xen counts it."""
    found = re.search(
        r"^Domain-0\s+0\s+(\d{1,9})\s+(\d{1,4})\s", _text(sections, "xl_list", "xm_list"), re.MULTILINE
    )
    if found is None:
        raise ValueError("the list names no Domain-0")
    return {"own_memory_mib": int(found[1]), "own_cpus": int(found[2])}


def read_xen_options(sections: Sections) -> Mapping[str, Any]:
    found = re.search(
        r"^xen_commandline\s*:\s*(.*?)\s*$", _text(sections, "xl_info", "xm_info"), re.MULTILINE
    )
    if found is None:
        raise ValueError("the hypervisor does not tell its options")
    return {"hypervisor_options": found[1][:1000]}


def read_boot_kernel(sections: Sections) -> Mapping[str, Any]:
    _x86_only(sections)
    return {"boot_kernel": system.parse_grub(_text(sections, "grub"))}


def read_boot_time(sections: Sections) -> Mapping[str, Any]:
    _x86_only(sections)
    now_s, _ = linux.parse_epoch(_text(sections, "date"))
    return {"boot_time_s": int(now_s - system.parse_uptime_s(_text(sections, "uptime")))}


def read_zone(sections: Sections) -> Mapping[str, Any]:
    _x86_only(sections)
    found = re.search(r"""^ZONE=["']?([\w/+-]{1,60})""", _text(sections, "zone"), re.MULTILINE)
    return {"time_zone": found[1]} if found else {}


def read_bios(sections: Sections) -> Mapping[str, Any]:
    _x86_only(sections)
    lines = [line.strip() for line in _text(sections, "bios").splitlines() if line.strip() and line[0] != "#"]
    return {"bios_version": lines[0][:100]} if lines else {}


def read_multipath(sections: Sections) -> Mapping[str, Any]:
    _x86_only(sections)
    return {"multipath": system.parse_maps(_text(sections, "multipath"))}


def read_multipath_conf(sections: Sections) -> Mapping[str, Any]:
    _x86_only(sections)
    if _is_missing_file(sections.get("multipath_conf")):
        return {"multipath_settings": None}
    return {"multipath_settings": system.parse_multipath_conf(_text(sections, "multipath_conf"))}


def read_iscsi(sections: Sections) -> Mapping[str, Any]:
    """iscsiadm says 21 when there is no session."""
    _x86_only(sections)
    section = sections["iscsi"]
    if section.status == 21 or "No active sessions" in section.text:
        return {"iscsi_sessions": ()}
    return {"iscsi_sessions": system.parse_iscsi_sessions(_text(sections, "iscsi"))}


def read_sas(sections: Sections) -> Mapping[str, Any]:
    _x86_only(sections)
    section = sections["sas"]
    if "No such file" in section.text:
        return {"sas_expanders": ()}
    return {"sas_expanders": system.parse_expanders(_text(sections, "sas"))}


def read_modules(sections: Sections) -> Mapping[str, Any]:
    _x86_only(sections)
    section = sections["modules"]
    if section.status in (None, 126, 127):
        raise ValueError(section.why_not)
    return {"cluster_modules": section.worked}


def read_kernel_log(sections: Sections) -> Mapping[str, Any]:
    return {"kernel_trouble": system.parse_trouble(_text(sections, "dmesg"))}


def read_agent_log(sections: Sections) -> Mapping[str, Any]:
    section = sections["agent_log"]
    if "No such file" in section.text or "cannot open" in section.text:
        raise ValueError("there is no /var/log/ovs-agent.log")
    lines = [line.strip()[:300] for line in _text(sections, "agent_log").splitlines() if line.strip()]
    return {"agent_trouble": tuple(lines[-10:])}


def read_dlm(sections: Sections) -> Mapping[str, Any]:
    """An IPS list without a match ends with 1 and says so."""
    _sparc_only(sections)
    section = sections["dlm"]
    if "no packages matching" in section.text.lower():
        return {"dlm_package": None}
    return {"dlm_package": solaris.parse_dlm_package(_text(sections, "dlm"))}


def read_domains(sections: Sections) -> Mapping[str, Any]:
    _sparc_only(sections)
    return {"service_domains": solaris.parse_service_domains(_text(sections, "ldm_services"))}


def read_ldoms(sections: Sections) -> Mapping[str, Any]:
    _sparc_only(sections)
    return {"ldoms_version": solaris.parse_ldm_version(_text(sections, "ldm_version"))}


def _probe(source: str, fields: str, read: Callable[[Sections], Mapping[str, Any]]) -> Probe[Sections]:
    return Probe(f"ssh {source}", tuple(fields.split()), read)


PROBES: tuple[Probe[Sections], ...] = (
    _probe("uname -r", "kernel", read_kernel),
    _probe("hostname", "hostname", read_hostname),
    _probe("cat /etc/hosts", "loopback_names", read_loopback),
    _probe("ip addr", "addresses", read_addresses),
    _probe("ip link", "interfaces", read_interfaces),
    _probe("ip route", "default_gateway", read_gateway),
    _probe("cat /proc/mounts", "mounts", read_mounts),
    _probe("iptables -S", "firewall_rules", read_firewall),
    _probe("cat initiatorname.iscsi", "initiator", read_initiator),
    _probe("cat /etc/ntp.conf", "ntp_servers", read_ntp),
    _probe("grep meta-*", "network_tags", read_network_tags),
    _probe("dmidecode", "server_uuid", read_uuid),
    _probe("cat /etc/ovs-release", "release ovm_version", read_release),
    _probe("cat /proc/cpuinfo", "cpu", read_cpu),
    _probe("xl info", "memory_mib free_memory_mib", read_memory),
    _probe("xl info", "hypervisor vmm_capabilities", read_hypervisor),
    _probe("xl list", "running_guests", read_guests),
    _probe("ovs-agent-db dump_db server", "owner pool_id pool_alias registered_ip", read_agent_db),
    _probe("cat cluster.conf", "stored_cluster", read_cluster),
    _probe("cat /etc/sysconfig/o2cb", "o2cb", read_o2cb),
    _probe("cat resolv.conf", "dns_servers name_sources", read_resolver),
    _probe("ntpq -pn", "ntp_peers ntp_is_running", read_ntp_peers),
    _probe("cat /proc/net/bonding", "bonds", read_bonds),
    _probe("cat ifcfg-*", "boot_protocols", read_boot_protocols),
    _probe("ethtool", "wakes_on_lan", read_wakes),
    _probe("df", "free_space", read_space),
    _probe("xl list", "own_memory_mib own_cpus", read_own_size),
    _probe("xl info", "hypervisor_options", read_xen_options),
    _probe("cat grub.conf", "boot_kernel", read_boot_kernel),
    _probe("cat /proc/uptime", "boot_time_s", read_boot_time),
    _probe("cat /etc/sysconfig/clock", "time_zone", read_zone),
    _probe("dmidecode", "bios_version", read_bios),
    _probe("multipath -ll", "multipath", read_multipath),
    _probe("cat multipath.conf", "multipath_settings", read_multipath_conf),
    _probe("iscsiadm", "iscsi_sessions", read_iscsi),
    _probe("ls sas_end_device", "sas_expanders", read_sas),
    _probe("modprobe -n", "cluster_modules", read_modules),
    _probe("dmesg", "kernel_trouble", read_kernel_log),
    _probe("tail ovs-agent.log", "agent_trouble", read_agent_log),
    _probe("pkg list", "dlm_package", read_dlm),
    _probe("ldm list-services", "service_domains", read_domains),
    _probe("ldm -V", "ldoms_version", read_ldoms),
)
FIELDS = frozenset(name for probe in PROBES for name in probe.fields)


def observe_base(sections: Sections, at: datetime) -> Observed:
    """All facts of the base batch."""
    found: Observed = {}
    for probe in PROBES:
        found |= probe.observe(sections, at)
    return found
