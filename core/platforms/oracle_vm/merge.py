"""What the planes say of one server, made one. Pure.

Precedence, first one that knows wins:

- identity, release, hardware, pool, cluster, NTP: agent, dom0, Manager (Manager acts upon what the agent says);
- names, addresses, mounts, firewall, storage as the server sees it: dom0, agent;
- clock: whichever is less uncertain;
- owner: a Manager that agent or dom0 name wins over 'nobody', in either order, because a server taken for free by
  mistake costs more than one looked at again; Manager's own list decides only where neither could be asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from core.facts.probe import Observed, absent
from core.facts.storage import normal_wwid
from core.models.cpu import Arch, CpuProfile
from core.models.facts import Disk, Fact, PlaneFact, PlaneState
from core.platforms.oracle_vm.endpoints import AGENT
from core.platforms.oracle_vm.facts import (
    AgentLogin,
    LunLook,
    ManagedServer,
    ManagerFacts,
    OvmServerFacts,
)

DOM0_FIRST = frozenset({"addresses", "interfaces", "mounts", "initiator"})
_BASE = frozenset({"name", "address", "planes", "observed_at"})
_FACTS = tuple(name for name in OvmServerFacts.model_fields if name not in _BASE)
_GROUP = re.compile(r"(Intel|AMD)_F(?:amily:)?(\d+)_M(?:odel:)?(\d+)", re.IGNORECASE)
_BY_SSH = {"db_owner": "owner", "db_pool_id": "pool_id", "conf_cluster": "stored_cluster"}
_VENDORS = {"intel": "GenuineIntel", "amd": "AuthenticAMD"}


def merge(
    name: str,
    address: str,
    planes: Mapping[str, PlaneFact],
    agent: Observed,
    dom0: Observed,
    manager: ManagerFacts | None,
) -> OvmServerFacts:
    """One server's facts; a field that no plane told carries the reasons of those that were asked."""
    uuid = _best("server_uuid", agent, dom0)
    entry = manager.server(uuid=uuid.value, address=address) if manager is not None else None
    listed = from_manager(entry, manager)
    values: dict[str, Any] = {field: _best(field, agent, dom0, listed) for field in _FACTS}
    values["owner"] = _owner(agent, dom0, listed)
    values |= _clock(agent, dom0)
    values["agent_login"] = _login(planes.get("agent", PlaneFact()), values["owner"])
    values["cpu"] = _with_microcode(_cpu(values), dom0)
    values["disks"] = _disks(values["disks"], manager)
    values["pool_lun"] = _lun(values["pool_lun"], manager)
    values |= {field: dom0.get(told, Fact[Any]()) for field, told in _BY_SSH.items()}
    seen = [fact.observed_at for fact in values.values() if fact.observed_at is not None]
    facts = {field: _of_server(fact, name) for field, fact in values.items()}
    return OvmServerFacts(
        name=name, address=address, planes=dict(planes), observed_at=max(seen, default=None), **facts
    )


def _of_server(fact: Fact[Any], name: str) -> Fact[Any]:
    """The fact; where it is missing, its gaps are about this server."""
    if fact.is_known or not fact.gaps:
        return fact
    return fact.model_copy(update={"gaps": tuple(gap.on(name) for gap in fact.gaps)})


def from_manager(entry: ManagedServer | None, manager: ManagerFacts | None) -> Observed:
    """What Manager's list tells of a server; nothing where it has no entry."""
    if entry is None or manager is None:
        return {}
    at = manager.observed_at or manager.servers.observed_at
    values: dict[str, Any] = {
        "server_uuid": entry.id if re.fullmatch(r"[0-9a-fA-F:]{32,47}", entry.id) else None,
        "hostname": entry.hostname or entry.name or None,
        "release": entry.release or None,
        "ovm_version": entry.release or None,
        "owner": entry.owner,
        "pool_id": entry.pool_id,
        "pool_alias": entry.pool_name,
        "cpu": _cpu_of(entry),
    }
    source = "Manager show Server"
    if at is None:
        return {}
    found = {name: Fact[Any].seen(value, source, at) for name, value in values.items() if value is not None}
    if entry.owner is not None and entry.owner == manager.uuid.value:  # it knows the pools of its own servers
        found.setdefault("pool_id", Fact[Any].seen(None, source, at))
    return found


def _best(field: str, *planes: Observed) -> Fact[Any]:
    order = planes
    if field in DOM0_FIRST and len(planes) > 1:
        order = (planes[1], planes[0], *planes[2:])
    facts = [plane[field] for plane in order if field in plane]
    for fact in facts:
        if fact.is_known:
            return fact
    reasons = dict.fromkeys(fact.missing or "" for fact in facts)
    if not reasons:
        return Fact[Any]()
    gaps = tuple(gap for fact in facts for gap in fact.why_missing)
    return facts[0].model_copy(update={"missing": "; ".join(reasons), "gaps": gaps})


def _owner(agent: Observed, dom0: Observed, listed: Observed) -> Fact[Any]:
    own = [plane["owner"] for plane in (agent, dom0) if "owner" in plane and plane["owner"].is_known]
    for fact in own:
        if fact.value is not None:
            return fact
    return own[0] if own else _best("owner", agent, dom0, listed)


def _clock(agent: Observed, dom0: Observed) -> Observed:
    """Offset and error of the plane whose error is smaller."""
    known = [plane for plane in (agent, dom0) if "clock_error_s" in plane and plane["clock_error_s"].is_known]
    if not known:
        return {}
    surest = min(known, key=lambda plane: float(plane["clock_error_s"].value or 0.0))
    return {name: surest[name] for name in ("clock_offset_s", "clock_error_s")}


def _login(plane: PlaneFact, owner: Fact[Any]) -> Fact[Any]:
    """How the agent took the password; a refusal of an owned server is not called a wrong password."""
    if plane.state is PlaneState.OK:
        return Fact[Any](value=AgentLogin.ACCEPTED, source="agent echo", missing=None)
    if plane.state is PlaneState.REFUSED:
        owned = owner.is_known and owner.value is not None
        value = AgentLogin.REFUSED_OWNED if owned else AgentLogin.REFUSED
        return Fact[Any](value=value, source="agent echo", missing=None)
    gap = plane.gap(AGENT, plane.reason or "the agent was not reached")
    return absent("agent_login", gap, source="agent echo")


def _cpu(values: Mapping[str, Any]) -> Fact[Any]:
    """The processor with what other calls tell of it: architecture, hypervisor, kernel, hardware virtualization."""
    fact: Fact[Any] = values["cpu"]
    cpu_type = (values["cpu_type"].value or "").lower()
    arch = Arch.SPARC if "sparc" in cpu_type or cpu_type.startswith("sun4") else None
    arch = Arch.X86_64 if cpu_type in ("x86_64", "amd64", "x86") else arch
    if not fact.is_known and arch is None:
        return fact
    profile = fact.value if fact.is_known and fact.value is not None else CpuProfile()
    update: dict[str, Any] = {}
    if profile.arch is Arch.UNKNOWN and arch is not None:
        update["arch"] = arch
    capabilities = values["vmm_capabilities"].value
    if (
        capabilities
    ):  # what the hypervisor offers decides: the flag of the processor stays when the BIOS forbids it
        update["has_hvm"] = any(name.startswith("hvm-") for name in capabilities)
    for field, source in (
        ("hypervisor", "hypervisor"),
        ("platform_release", "release"),
        ("kernel", "kernel"),
    ):
        if getattr(profile, field) is None and values[source].value is not None:
            update[field] = values[source].value
    base = fact if fact.is_known else values["cpu_type"]
    return Fact[Any](
        value=profile.model_copy(update=update),
        source=base.source,
        observed_at=base.observed_at,
        missing=None,
    )


def _with_microcode(fact: Fact[Any], dom0: Observed) -> Fact[Any]:
    """The agent does not tell the microcode; the server's own kernel does."""
    own = dom0.get("cpu")
    profile = fact.value if fact.is_known else None
    if profile is None or profile.microcode is not None or own is None or own.value is None:
        return fact
    return fact.model_copy(update={"value": profile.model_copy(update={"microcode": own.value.microcode})})


def _cpu_of(entry: ManagedServer) -> CpuProfile | None:
    """As much of the processor as Manager shows: its group names vendor, family and model."""
    match = _GROUP.search(entry.cpu_group or "")
    kind = entry.processor_type.lower()
    arch = Arch.SPARC if "sparc" in kind else Arch.X86_64 if "86" in kind or match else Arch.UNKNOWN
    if match is None:
        return CpuProfile(arch=arch, group=entry.cpu_group) if arch is not Arch.UNKNOWN else None
    return CpuProfile(
        arch=arch, vendor=_VENDORS[match[1].lower()], family=match[2], model=match[3], group=entry.cpu_group
    )


def _disks(fact: Fact[Any], manager: ManagerFacts | None) -> Fact[Any]:
    """Disks with local or shared filled in from Manager's list where the server did not say."""
    if not fact.is_known or not fact.value or manager is None:
        return fact
    local = {normal_wwid(disk.page83): disk.is_local for disk in manager.disks.value or () if disk.page83}
    disks: tuple[Disk, ...] = fact.value
    filled = tuple(
        disk.model_copy(update={"is_local": local.get(normal_wwid(disk.wwid or ""))})
        if disk.is_local is None
        else disk
        for disk in disks
    )
    return fact.model_copy(update={"value": filled})


def _lun(fact: Fact[Any], manager: ManagerFacts | None) -> Fact[Any]:
    """The pool's LUN with local or shared filled in from Manager's list."""
    if not fact.is_known or fact.value is None or fact.value.is_local is not None or manager is None:
        return fact
    look: LunLook = fact.value
    for disk in manager.disks.value or ():
        if disk.page83 and normal_wwid(disk.page83) == normal_wwid(look.wwid):
            return fact.model_copy(update={"value": look.model_copy(update={"is_local": disk.is_local})})
    return fact
