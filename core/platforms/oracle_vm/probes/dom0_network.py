"""Readers of dom0's own batch: names, interfaces, addresses, routes, firewall, time servers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from core.facts import linux, network, solaris
from core.facts.firewall import parse_iptables
from core.facts.probe import NoAnswer
from core.models.gaps import GapKind
from core.platforms.oracle_vm.probes.sections import (
    Sections,
    is_solaris,
    text_of,
    x86_only,
)


def read_hostname(sections: Sections) -> Mapping[str, Any]:
    words = text_of(sections, "hostname").split()
    return {"hostname": words[0]} if words else {}


def read_loopback(sections: Sections) -> Mapping[str, Any]:
    return {"loopback_names": linux.loopback_names(linux.parse_hosts(text_of(sections, "hosts")))}


def read_interfaces(sections: Sections) -> Mapping[str, Any]:
    if is_solaris(sections):
        return {"interfaces": solaris.parse_links(text_of(sections, "dlinks"))}
    masters = {
        match[1]: match[2]
        for match in re.finditer(
            r"^\d+:\s+([^:@\s]+)[^\n]*\bmaster (\S+)", text_of(sections, "link"), re.MULTILINE
        )
    }
    found = linux.parse_ip_link(text_of(sections, "link"))
    return {"interfaces": tuple(one.model_copy(update={"master": masters.get(one.name)}) for one in found)}


def read_addresses(sections: Sections) -> Mapping[str, Any]:
    if is_solaris(sections):
        found = solaris.parse_ipadm(text_of(sections, "ipadm"))
    else:
        found = linux.parse_ip_addr(text_of(sections, "addr"))
    if not found:
        raise ValueError("no address was shown")
    return {"addresses": found}


def read_gateway(sections: Sections) -> Mapping[str, Any]:
    return {"default_gateway": linux.parse_default_gateway(text_of(sections, "route", "netstat"))}


def read_firewall(sections: Sections) -> Mapping[str, Any]:
    """No iptables at all means that no rule of it stops anything."""
    tools = [sections.get(name) for name in ("iptables", "iptables_save")]
    if all(tool is not None and tool.status == 127 for tool in tools):
        return {"firewall_rules": ()}
    return {"firewall_rules": parse_iptables(text_of(sections, "iptables", "iptables_save"))}


def read_ntp(sections: Sections) -> Mapping[str, Any]:
    return {"ntp_servers": linux.parse_ntp_conf(text_of(sections, "ntp_conf"))}


def read_network_tags(sections: Sections) -> Mapping[str, Any]:
    """The meta files that Manager writes beside the interfaces' own (agent-rpc 5.5); none on a fresh server."""
    if is_solaris(sections):
        raise ValueError("a control domain keeps no such files")
    section = sections.get("network_meta")
    if section is None or section.status not in (0, 1, 2):
        raise section.no_answer() if section is not None else NoAnswer("not asked", GapKind.NOT_ASKED)
    found = re.findall(
        r"^\S{0,200}/meta-([\w.:-]{1,32}):(?:METADATA=)?(.{1,400})$", section.text, re.MULTILINE
    )
    return {"network_tags": tuple(f"{name} {tag.strip()}" for name, tag in found)}


def read_resolver(sections: Sections) -> Mapping[str, Any]:
    return {
        "dns_servers": network.parse_resolv(text_of(sections, "resolv")),
        "name_sources": network.parse_nsswitch(text_of(sections, "nsswitch")),
    }


def read_ntp_peers(sections: Sections) -> Mapping[str, Any]:
    """`ntpq -pn`; a daemon that refuses, or is silent and has no process, does not run."""
    section, process = sections.get("ntpq"), sections.get("ntpd")
    if section is not None and "Connection refused" in section.text:
        return {"ntp_peers": (), "ntp_is_running": False}
    try:
        return {"ntp_peers": network.parse_ntpq(text_of(sections, "ntpq")), "ntp_is_running": True}
    except ValueError:
        if process is not None and process.status == 1 and not process.text.strip():
            return {"ntp_peers": (), "ntp_is_running": False}
        raise


def read_bonds(sections: Sections) -> Mapping[str, Any]:
    if is_solaris(sections):
        return {"bonds": solaris.parse_aggregations(text_of(sections, "aggr"))}
    section = sections["bonds"]
    if section.status not in (0, 1, 2):
        raise section.no_answer()
    return {"bonds": network.parse_bonds(section.text)}  # grep: 1 or 2 when there is none


def read_boot_protocols(sections: Sections) -> Mapping[str, Any]:
    x86_only(sections)
    found = network.parse_ifcfg(sections["ifcfg"].text)
    if not found:
        raise ValueError("no interface file tells its protocol")
    return {"boot_protocols": found}


def read_wakes(sections: Sections) -> Mapping[str, Any]:
    x86_only(sections)
    return {"wakes_on_lan": network.parse_wakes(text_of(sections, "wakes"))}
