"""Readers of dom0's own batch: mounts, space, multipath, iSCSI, SAS."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from core.facts import linux, system
from core.platforms.oracle_vm.probes.sections import (
    Sections,
    is_missing_file,
    text_of,
    x86_only,
)


def read_mounts(sections: Sections) -> Mapping[str, Any]:
    return {"mounts": linux.parse_mounts(text_of(sections, "mounts"))}


def read_initiator(sections: Sections) -> Mapping[str, Any]:
    if is_missing_file(sections.get("initiator")):
        return {"initiator": None}
    return {"initiator": linux.parse_initiator(text_of(sections, "initiator"))}


def read_space(sections: Sections) -> Mapping[str, Any]:
    section = sections["df"]
    if section.status is None or section.status in (126, 127) or section.was_cut:
        raise section.no_answer()
    return {"free_space": system.parse_df(section.text)}  # a status of 1 tells of one file system, not of all


def read_own_size(sections: Sections) -> Mapping[str, Any]:
    """What dom0 itself has, as Xen counts it."""
    found = re.search(
        r"^Domain-0\s+0\s+(\d{1,9})\s+(\d{1,4})\s", text_of(sections, "xl_list", "xm_list"), re.MULTILINE
    )
    if found is None:
        raise ValueError("the list names no Domain-0")
    return {"own_memory_mib": int(found[1]), "own_cpus": int(found[2])}


def read_multipath(sections: Sections) -> Mapping[str, Any]:
    x86_only(sections)
    return {"multipath": system.parse_maps(text_of(sections, "multipath"))}


def read_multipath_conf(sections: Sections) -> Mapping[str, Any]:
    x86_only(sections)
    if is_missing_file(sections.get("multipath_conf")):
        return {"multipath_settings": None}
    return {"multipath_settings": system.parse_multipath_conf(text_of(sections, "multipath_conf"))}


def read_iscsi(sections: Sections) -> Mapping[str, Any]:
    """iscsiadm says 21 when there is no session."""
    x86_only(sections)
    section = sections["iscsi"]
    if section.status == 21 or "No active sessions" in section.text:
        return {"iscsi_sessions": ()}
    return {"iscsi_sessions": system.parse_iscsi_sessions(text_of(sections, "iscsi"))}


def read_sas(sections: Sections) -> Mapping[str, Any]:
    x86_only(sections)
    section = sections["sas"]
    if "No such file" in section.text:
        return {"sas_expanders": ()}
    return {"sas_expanders": system.parse_expanders(text_of(sections, "sas"))}
