"""discover_hardware -> facts (agent-rpc 5.2). Pure."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element

from core.platforms.oracle_vm.agent_rpc.walk import attribute, every, id_at, int_at, one, text_at, words_at

PAGE_BYTES = 4096
_FC_HINTS = ("port_name", "node_name", "wwpn", "wwnn", "port_wwn", "node_wwn")


def hardware(root: Element) -> dict[str, Any]:
    """Facts of /Discover_Hardware_Result/NodeInformation."""
    node = one(root, "NodeInformation")
    physical = one(node, "VMM/PhysicalInfo")
    total, free = int_at(physical, "TotalPages"), int_at(physical, "FreePages")
    topology = {
        "threads_per_core": int_at(physical, "ThreadsPerCore"),
        "cores_per_socket": int_at(physical, "CoresPerSocket"),
        "sockets_per_node": int_at(physical, "SocketsPerNode"),
        "nodes": int_at(physical, "Nodes"),
    }
    return {
        **topology,
        "logical_cpus": _product(topology),
        "cpu_khz": int_at(physical, "CPUKHz"),
        "total_pages": total,
        "free_pages": free,
        "memory_mib": _mib(total),
        "free_memory_mib": _mib(free),
        "hw_caps": _hw_caps(one(physical, "HW_Caps")),
        "cpus": [_cpu(cpu) for cpu in every(node, "CPUInfo/Proc_Info/CPU")],
        "scsi_hosts": [_scsi_host(host) for host in every(node, "IO/SCSI/SCSI_Host")],
        "initiator": id_at(node, "IO/SCSI/ISCSI_Node/Initiatorname"),
        "bios": {
            "vendor": text_at(node, "DMTF/BIOS/Vendor"),
            "version": text_at(node, "DMTF/BIOS/Version"),
            "release_date": text_at(node, "DMTF/BIOS/ReleaseDate"),
        },
        "system": {
            "uuid": text_at(node, "DMTF/System/UUID"),
            "manufacturer": text_at(node, "DMTF/System/Manufacturer"),
            "product_name": text_at(node, "DMTF/System/ProductName"),
            "serial_number": text_at(node, "DMTF/System/SerialNumber"),
        },
    }


def _cpu(cpu: Element) -> dict[str, Any]:
    """One logical processor as /proc/cpuinfo of dom0 tells it; numbers are int, `cache_size` stays text."""
    number = attribute(cpu, "ID")
    return {
        "id": int(number) if number is not None and number.isdecimal() and len(number) < 10 else None,
        "vendor_id": text_at(cpu, "vendor_id"),
        "family": int_at(cpu, "cpu_family"),
        "model": int_at(cpu, "model"),
        "stepping": int_at(cpu, "stepping"),
        "model_name": text_at(cpu, "model_name"),
        "cache_size": text_at(cpu, "cache_size"),
        "microcode": text_at(cpu, "microcode"),
        "flags": words_at(cpu, "flags"),
    }


def _hw_caps(caps: Element | None) -> list[str]:
    """Xen's CPU feature words in the order of their numbers, as sent (0x0f8bf3ff)."""
    numbered = []
    for item in caps if caps is not None else ():
        number = item.tag.rpartition("_")[2]
        if item.tag.lower().startswith("item_") and number.isdecimal() and len(number) < 6:
            numbered.append((int(number), (item.text or "").strip()))
    return [word for _, word in sorted(numbered)]


def _scsi_host(host: Element) -> dict[str, Any]:
    """One host bus adapter; `wwns` holds whatever its attributes say of Fibre Channel names (UNCONFIRMED)."""
    wwns = {
        child.tag.lower(): (child.text or "").strip()
        for child in host.iter()
        if child.tag.lower() in _FC_HINTS and (child.text or "").strip()
    }
    return {
        "num": attribute(host, "Num"),
        "driver": text_at(host, "Proc_Name"),
        "state": text_at(host, "State"),
        "wwns": wwns,
    }


def _product(topology: dict[str, int | None]) -> int | None:
    """Logical processors: the product of the four counts; None unless all are there and sane."""
    result = 1
    for count in topology.values():
        if count is None or not 0 < count <= 4096:
            return None
        result *= count
    return result


def _mib(pages: int | None) -> int | None:
    return None if pages is None or pages < 0 else pages * PAGE_BYTES // 2**20
