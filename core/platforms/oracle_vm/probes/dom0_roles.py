"""Readers of dom0's own batch: what Oracle VM itself keeps there: release, agent, cluster, domains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.facts import solaris, system
from core.platforms.oracle_vm.probes.files import (
    parse_agent_db,
    parse_cluster_conf,
    parse_o2cb,
    parse_o2cb_settings,
    parse_o2cb_status,
    parse_release,
)
from core.platforms.oracle_vm.probes.sections import (
    Sections,
    is_missing_file,
    is_solaris,
    sparc_only,
    text_of,
    x86_only,
)


def read_release(sections: Sections) -> Mapping[str, Any]:
    found = parse_release(text_of(sections, "release", "info"))
    return {"release": found, "ovm_version": found}


def read_agent_db(sections: Sections) -> Mapping[str, Any]:
    """Owner and pool as the agent's own data base has them (agent-rpc 13)."""
    return parse_agent_db(text_of(sections, "agent_db"))


def read_cluster(sections: Sections) -> Mapping[str, Any]:
    """/etc/ocfs2/cluster.conf and /etc/sysconfig/o2cb; no cluster.conf means that none is configured."""
    section = sections.get("cluster_conf")
    if is_solaris(sections) and section is not None and not section.worked:
        raise ValueError("a SPARC cluster keeps no cluster.conf")
    if is_missing_file(section):
        return {"stored_cluster": None}
    stored = parse_cluster_conf(text_of(sections, "cluster_conf"))
    if stored is None:
        return {"stored_cluster": None}
    o2cb = sections.get("o2cb")
    threshold = parse_o2cb(o2cb.text) if o2cb is not None and o2cb.worked else None
    digest = system.digest_of(text_of(sections, "cluster_conf"))
    return {"stored_cluster": stored.model_copy(update={"heartbeat_threshold": threshold, "digest": digest})}


def read_cluster_status(sections: Sections) -> Mapping[str, Any]:
    """Whether a cluster is online here; the status command ends with another code than 0 where none is."""
    x86_only(sections)
    section = sections.get("o2cb_status")
    if section is None or section.status in (None, 126, 127) or section.was_cut:
        raise ValueError(section.why_not if section is not None else "not asked")
    told = parse_o2cb_status(section.text)
    if told is None:
        raise ValueError("its status says neither online nor offline")
    return {"cluster_running": told}


def read_o2cb(sections: Sections) -> Mapping[str, Any]:
    """/etc/sysconfig/o2cb; None when there is no such file."""
    x86_only(sections)
    if is_missing_file(sections.get("o2cb")):
        return {"o2cb": None}
    return {"o2cb": parse_o2cb_settings(text_of(sections, "o2cb"))}


def read_agent_log(sections: Sections) -> Mapping[str, Any]:
    section = sections["agent_log"]
    if "No such file" in section.text or "cannot open" in section.text:
        raise ValueError("there is no /var/log/ovs-agent.log")
    lines = [line.strip()[:300] for line in text_of(sections, "agent_log").splitlines() if line.strip()]
    return {"agent_trouble": tuple(lines[-10:])}


def read_dlm(sections: Sections) -> Mapping[str, Any]:
    """An IPS list without a match ends with 1 and says so."""
    sparc_only(sections)
    section = sections["dlm"]
    if "no packages matching" in section.text.lower():
        return {"dlm_package": None}
    return {"dlm_package": solaris.parse_dlm_package(text_of(sections, "dlm"))}


def read_domains(sections: Sections) -> Mapping[str, Any]:
    sparc_only(sections)
    return {"service_domains": solaris.parse_service_domains(text_of(sections, "ldm_services"))}


def read_ldoms(sections: Sections) -> Mapping[str, Any]:
    sparc_only(sections)
    return {"ldoms_version": solaris.parse_ldm_version(text_of(sections, "ldm_version"))}
