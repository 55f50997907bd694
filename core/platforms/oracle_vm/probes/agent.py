"""What the agent tells, call by call: the probe of each read-only call and how its answer becomes facts. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from core.cpu.parse import CpuFormatError, parse_profile
from core.facts.probe import Probe, there
from core.models.facts import Address, Disk, Interface, Mount
from core.platforms.oracle_vm.agent_rpc.documents import parse_document
from core.platforms.oracle_vm.agent_rpc.values import facts_of_value
from core.platforms.oracle_vm.facts import PoolFilesystem, RepositoryEntry, StoredCluster


class Answer(NamedTuple):
    """What one call returned, and this machine's clock (epoch seconds) just before and after it."""

    value: Any
    sent_s: float
    received_s: float


@dataclass(frozen=True, slots=True)
class AgentCall:
    """One call and the probe that reads its answer; `instead` is asked when it fails."""

    method: str
    probe: Probe[Answer]
    args: tuple[Any, ...] = ()
    instead: AgentCall | None = None


def _document(method: str, answer: Answer) -> dict[str, Any]:
    if answer.value is None:
        raise ValueError("the agent sent nothing")
    if not isinstance(answer.value, str):
        raise ValueError("the agent sent no document")
    return parse_document(method, answer.value)


def read_server(answer: Answer) -> Mapping[str, Any]:
    """discover_server (agent-rpc 5.1); ids that read `none` mean that there is none."""
    found = _document("discover_server", answer)
    if found["unique_id"] is None and found["hostname"] is None:
        raise ValueError("the document names no server")
    hypervisor = " ".join(filter(None, (found["hypervisor_name"], found["hypervisor_version"])))
    owned = {"owner": found["manager_id"]} if found["manager_id"] or found["is_owned"] is False else {}
    return {
        **owned,
        **there(
            {
                "hostname": found["hostname"],
                "server_uuid": found["unique_id"],
                "release": found["ovm_version"],
                "ovm_version": found["ovm_version"],
                "agent_version": found["agent_version"],
                "kernel": found["kernel"],
                "hypervisor": hypervisor or None,
                "cpu_type": found["cpu_type"],
                "hypervisor_type": found["hypervisor_type"],
                "os_name": " ".join(filter(None, (found["os_name"], found["os_version"]))) or None,
                "membership_state": found["membership_state"],
                "cluster_state": found["cluster_state"],
                "is_master": found["is_master"],
                "ntp_is_running": found["ntp_is_running"],
                "local_time_source": found["local_time_source"],
                "time_zone": found["time_zone"],
                "boot_time_s": found["boot_time_s"],
            }
        ),
        "pool_id": found["pool_id"],
        "registered_ip": found["registered_ip"],
        "node_number": found["node_number"],
        "master_vip": found["master_virtual_ip"],
        "roles": tuple(found["roles"]),
        "capabilities": frozenset(name for name, value in found["capabilities"].items() if value is True),
        "vmm_capabilities": tuple(found["vmm_capabilities"]),
    }


def read_hardware(answer: Answer) -> Mapping[str, Any]:
    """discover_hardware (agent-rpc 5.2)."""
    found = _document("discover_hardware", answer)
    try:
        profile = parse_profile(answer.value)
    except CpuFormatError:
        profile = None
    values = {
        "cpu": profile,
        "memory_mib": found["memory_mib"],
        "free_memory_mib": found["free_memory_mib"],
        "bios_version": found["bios"]["version"],
    }
    return {**there(values), "initiator": found["initiator"]}


def read_network(answer: Answer) -> Mapping[str, Any]:
    """discover_network (agent-rpc 5.5); an empty document tells nothing."""
    found = _document("discover_network", answer)
    interfaces = [
        Interface(
            name=device["name"],
            kind=kind,
            mac=(device.get("mac") or "").lower() or None,
            mtu=device.get("mtu"),
            is_up=device.get("is_up"),
            speed_mbps=device.get("speed_mbps"),
            bond_mode=device.get("mode"),
            roles=tuple(device.get("roles") or ()),
        )
        for kind, group in (("nic", "ports"), ("bond", "bonds"), ("bridge", "bridges"))
        for device in found[group]
        if device["name"]
    ]
    if not interfaces:
        raise ValueError("the document names no device")
    addresses = [
        Address(interface=device["name"], address=device["address"], prefix=device["prefix"])
        for group in ("bonds", "bridges")
        for device in found[group]
        if device["name"] and device["address"] and device["prefix"] is not None
    ]
    return {"interfaces": tuple(interfaces)} | ({"addresses": tuple(addresses)} if addresses else {})


def read_pool(answer: Answer) -> Mapping[str, Any]:
    """discover_server_pool (agent-rpc 5.3); nil is taken as 'in no pool'."""
    if answer.value is None:
        return {"pool_alias": None, "pool_members": ()}
    found = _document("discover_server_pool", answer)
    return {"pool_alias": found["alias"], "pool_members": tuple(found["members"])}


def read_pool_filesystem(answer: Answer) -> Mapping[str, Any]:
    """discover_pool_filesystem (agent-rpc 5.4); nil is taken as 'none'."""
    if answer.value is None:
        return {"pool_filesystem": None}
    found = _document("discover_pool_filesystem", answer)
    if not found["exists"]:
        return {"pool_filesystem": None}
    names = ("target", "uuid", "nfsbase_uuid", "manager_uuid", "pool_uuid")
    values = {name: found[name] or "" for name in names}
    return {"pool_filesystem": PoolFilesystem(kind=found["type"] or "", **values)}


def read_cluster(answer: Answer) -> Mapping[str, Any]:
    """discover_cluster (agent-rpc 5.6); nil and an empty document mean that none is configured."""
    if answer.value is None:
        return {"stored_cluster": None}
    found = _document("discover_cluster", answer)
    if not found["is_configured"]:
        return {"stored_cluster": None}
    modes = [one["heartbeat_mode"] for one in found["clusters"] if one["heartbeat_mode"]]
    stored = StoredCluster(
        name=found["name"] or "",
        heartbeat_threshold=found["heartbeat_threshold"],
        heartbeat_mode=modes[0] if modes else "",
        nodes=tuple(node["name"] for node in found["nodes"] if node["name"]),
        regions=tuple(one["region"] for one in found["heartbeats"] if one["region"]),
    )
    return {"stored_cluster": stored}


def read_mounts(answer: Answer) -> Mapping[str, Any]:
    """discover_mounted_file_systems (agent-rpc 5.7)."""
    found = _document("discover_mounted_file_systems", answer)
    mounts = [
        Mount(device=one["device"], path=one["path"], kind=one["kind"] or "", options=one["options"])
        for one in found["mounts"]
        if one["device"] and one["path"]
    ]
    return {"mounts": tuple(mounts)}


def read_luns(answer: Answer) -> Mapping[str, Any]:
    """discover_physical_luns (agent-rpc 5.8; its children are UNCONFIRMED)."""
    found = _document("discover_physical_luns", answer)
    disks = [
        Disk(
            name=one["name"] or one["wwid"],
            wwid=one["wwid"],
            size_bytes=one["size_bytes"],
            is_local=_is_local(one["attributes"]),
            vendor=one["vendor"],
        )
        for one in found["disks"]
        if one["name"] or one["wwid"]
    ]
    return {"disks": tuple(disks)}


def read_repositories(answer: Answer) -> Mapping[str, Any]:
    """discover_repository_db (agent-rpc 5.10); nil is taken as 'none'."""
    if answer.value is None:
        return {"repositories": ()}
    found = _document("discover_repository_db", answer)
    entries = [
        RepositoryEntry(
            uuid=one["uuid"] or "",
            alias=one["alias"] or "",
            location=one["location"] or "",
            mount_point=one["mount_point"] or "",
            manager_uuid=one["manager_uuid"] or "",
            status=one["status"] or "",
        )
        for one in found["repositories"]
    ]
    return {"repositories": tuple(entries)}


def read_ntp(answer: Answer) -> Mapping[str, Any]:
    """get_ntp: servers and two flags."""
    found = _named("get_ntp", answer)
    return {
        "ntp_servers": tuple(found["ntp_servers"]),
        "ntp_is_running": found["ntp_is_running"],
        "local_time_source": found["local_time_source"],
    }


def read_clock(answer: Answer) -> Mapping[str, Any]:
    """get_last_boot_time: offset of the server's clock from ours, and how uncertain it is, in seconds.

    Its clock is cut to whole seconds, so half a second is added to it and to the error of half the round trip.
    """
    found = _named("get_last_boot_time", answer)
    middle_s = (answer.sent_s + answer.received_s) / 2
    half_s = max(answer.received_s - answer.sent_s, 0.0) / 2
    return {
        "clock_offset_s": found["local_time_s"] + 0.5 - middle_s,
        "clock_error_s": half_s + 0.5,
        "boot_time_s": found["boot_time_s"],
    }


def read_guests(answer: Answer) -> Mapping[str, Any]:
    """list_vms: names of the domains besides Domain-0."""
    return {"running_guests": tuple(str(name) for name in _named("list_vms", answer)["guests"])}


def read_api(answer: Answer) -> Mapping[str, Any]:
    """get_api_version."""
    return {"api_versions": tuple(_named("get_api_version", answer)["api_versions"])}


def read_online(answer: Answer) -> Mapping[str, Any]:
    """is_cluster_online."""
    return {"cluster_online": _named("is_cluster_online", answer)["is_cluster_online"]}


def _named(method: str, answer: Answer) -> dict[str, Any]:
    found = facts_of_value(method, answer.value)
    if not found:
        raise ValueError("the value has another shape")
    return found


def _is_local(attributes: Mapping[str, str]) -> bool | None:
    """Local or shared, where a disk's attributes say so (UNCONFIRMED, agent-rpc 5.8)."""
    words = " ".join(attributes.get(key, "") for key in ("transport", "type", "protocol", "tran")).lower()
    if any(word in words for word in ("sata", "sas", "ata", "local", "ide")):
        return True
    return False if any(word in words for word in ("fc", "fibre", "iscsi")) else None


def _call(method: str, fields: str, read: Any, *args: Any, instead: AgentCall | None = None) -> AgentCall:
    return AgentCall(method, Probe(f"agent {method}", tuple(fields.split()), read, "agent"), args, instead)


_NFS_MOUNTS = _call("discover_mounted_file_systems", "mounts", read_mounts, "nfs")

# After `echo` took the password. Order: what decides first stands first.
CALLS: tuple[AgentCall, ...] = (
    _call(
        "discover_server",
        "hostname server_uuid release ovm_version agent_version kernel hypervisor cpu_type hypervisor_type os_name"
        " owner membership_state cluster_state is_master ntp_is_running local_time_source time_zone boot_time_s pool_id"
        " registered_ip node_number master_vip roles capabilities vmm_capabilities",
        read_server,
    ),
    _call("discover_hardware", "cpu memory_mib free_memory_mib bios_version initiator", read_hardware),
    _call("discover_network", "interfaces addresses", read_network),
    _call("get_last_boot_time", "clock_offset_s clock_error_s boot_time_s", read_clock),
    _call("get_ntp", "ntp_servers ntp_is_running local_time_source", read_ntp),
    _call("get_api_version", "api_versions", read_api),
    _call("discover_server_pool", "pool_alias pool_members", read_pool),
    _call("discover_pool_filesystem", "pool_filesystem", read_pool_filesystem),
    _call("discover_cluster", "stored_cluster", read_cluster),
    _call("is_cluster_online", "cluster_online", read_online),
    _call("discover_physical_luns", "disks", read_luns, ""),
    _call("discover_mounted_file_systems", "mounts", read_mounts, "all", instead=_NFS_MOUNTS),
    _call("discover_repository_db", "repositories", read_repositories),
    _call("list_vms", "running_guests", read_guests),
)
FIELDS = frozenset(name for call in CALLS for name in call.probe.fields)
