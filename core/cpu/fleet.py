"""Servers with their processors and memory, out of collected facts or of any description. Pure: text or models in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from core.cpu.formats.common import inert, tidied
from core.cpu.migrate import GroupReading, reading_of
from core.cpu.parse import CpuFormatError, parse_profiles
from core.cpu.pool import Memory
from core.models.cpu import CpuProfile
from core.models.fleet import FleetFacts


@dataclass(slots=True)
class Fleet:
    """Processors by server name (None: could not be read), memory where known, groups where read back."""

    profiles: dict[str, CpuProfile | None] = field(default_factory=dict)
    memory: dict[str, Memory] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)  # why a processor is not known
    groups: dict[str, list[str]] = field(default_factory=dict)  # as a controller lists them: group -> servers
    hosts: dict[str, str] = field(default_factory=dict)  # server -> its own host name, where facts tell it

    def add(self, name: str, profile: CpuProfile | None, source: str = "", reason: str = "") -> str:
        """Add a server under its name, or under a numbered one when the name is taken; returns the name used."""
        name = inert(name) or "unnamed"
        free, number = name, 2
        while free in self.profiles:
            free, number = f"{name}#{number}", number + 1
        self.profiles[free] = tidied(profile) if profile is not None else None
        self.sources[free] = source
        if reason:
            self.reasons[free] = inert(reason) or ""
        return free

    @property
    def reading(self) -> GroupReading:
        """Group memberships as read back: the controller's lists, and what single servers carry."""
        members = {group: list(servers) for group, servers in reading_of(self.profiles).members.items()}
        for group, servers in self.groups.items():
            known = members.setdefault(group, [])
            known.extend(server for server in servers if server not in known)
        return GroupReading(members)


def of_facts(facts: FleetFacts) -> Fleet:
    """The processors, memory, releases and groups of collected facts, of any platform."""
    fleet = Fleet()
    _read_facts(fleet, facts.model_dump(mode="json"), "server", "collected facts")
    return fleet


def _completed(
    profile: CpuProfile, release: str | None, hypervisor: str | None, kernel: str | None
) -> CpuProfile:
    """The profile with what other facts of the server know, where it does not know it itself."""
    return profile.model_copy(
        update={
            "platform_release": profile.platform_release or release,
            "hypervisor": profile.hypervisor or hypervisor,
            "kernel": profile.kernel or kernel,
        }
    )


def read(text: str, name: str, source: str = "") -> Fleet:
    """Servers of one text: facts of a fleet or of a server, a plain profile, or any processor description.

    `name` is for a text that names no server. Raises CpuFormatError when the text is none of these.
    """
    fleet = Fleet()
    data = _json_object(text)
    if data is not None and _read_facts(fleet, data, name, source):
        return fleet
    for found, profile in parse_profiles(text).items():
        fleet.add(found or name, profile, source)
    return fleet


def _json_object(text: str) -> dict[str, Any] | None:
    if not text.lstrip("\ufeff \t\r\n").startswith("{"):
        return None
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _read_facts(fleet: Fleet, data: dict[str, Any], name: str, source: str) -> bool:
    """Our own documents: FleetFacts, ServerFacts or CpuProfile as JSON, with keys of any platform tolerated."""
    servers = data.get("servers")
    for key in ("fleet", "facts"):
        inner = data.get(key)
        if servers is None and isinstance(inner, dict):
            servers = inner.get("servers")
    if isinstance(servers, dict):
        for server, facts in servers.items():
            if isinstance(facts, dict):
                _read_server(fleet, str(server), facts, source)
        _read_groups(fleet, data, servers)
        return True
    if isinstance(data.get("cpu"), dict) and "address" in data:
        _read_server(fleet, str(data.get("name") or name), data, source)
        return True
    if "flag_source" in data:
        fleet.add(name, _profile(data), source)
        return True
    return False


def _read_groups(fleet: Fleet, data: Mapping[str, Any], servers: Mapping[str, Any]) -> None:
    """Groups of a controller: its own lists by server id, or the one group each of its servers names."""
    for controller in data.values():
        if not isinstance(controller, dict) or "cpu_groups" not in controller:
            continue
        names: dict[str, str] = {}  # the controller's id of a server -> ours
        for row in _dicts(_fact(controller, "servers")):
            ours = _ours(row, servers)
            if ours is None:
                continue
            names[str(row.get("id"))] = ours
            group = inert(row.get("cpu_group"))
            if group:
                _join(fleet, group, ours)
        for row in _dicts(_fact(controller, "cpu_groups")):
            group = inert(row.get("id") or row.get("name"))
            listed = row.get("servers")
            for server in listed if isinstance(listed, list) else []:
                if group and str(server) in names:
                    _join(fleet, group, names[str(server)])


def _join(fleet: Fleet, group: str, server: str) -> None:
    members = fleet.groups.setdefault(group, [])
    if server not in members:
        members.append(server)


def _dicts(rows: Any) -> list[dict[str, Any]]:
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _ours(row: Mapping[str, Any], servers: Mapping[str, Any]) -> str | None:
    """Our name of the server in a controller's row, by its id, address or names."""
    told = {str(row[key]).lower() for key in ("id", "name", "address", "hostname") if row.get(key)}
    for name, facts in servers.items():
        if not isinstance(facts, dict):
            continue
        own = (name, facts.get("address"), _fact(facts, "server_uuid"), _fact(facts, "hostname"))
        if told & {str(value).lower() for value in own if value}:
            return str(name)
    return None


def _fact(facts: Mapping[str, Any], name: str) -> Any:
    fact = facts.get(name)
    if not isinstance(fact, dict) or fact.get("missing") is not None:
        return None
    return fact.get("value")


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _mib(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _read_server(fleet: Fleet, name: str, facts: Mapping[str, Any], source: str) -> None:
    value = _fact(facts, "cpu")
    profile = _profile(value) if isinstance(value, dict) else None
    if profile is not None:
        texts = [_text(_fact(facts, key)) for key in ("release", "hypervisor", "kernel")]
        profile = _completed(profile, texts[0], texts[1], texts[2])
        group = facts.get("cpu_group")
        group = _text(group.get("value")) if isinstance(group, dict) else _text(group)
        if group and profile.group is None:
            profile = profile.model_copy(update={"group": group})
    cpu = facts.get("cpu")
    reason = _text(cpu.get("missing")) if isinstance(cpu, dict) else "no processor in the facts"
    used = fleet.add(name, profile, source, reason or "")
    if host := _text(_fact(facts, "hostname")):
        fleet.hosts[used] = host
    fleet.memory[used] = Memory(_mib(_fact(facts, "memory_mib")), _mib(_fact(facts, "free_memory_mib")))


def _profile(data: Mapping[str, Any]) -> CpuProfile:
    known = {key: value for key, value in data.items() if key in CpuProfile.model_fields}
    try:
        return CpuProfile.model_validate(known)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise CpuFormatError(
            f"cannot read the processor in these facts: {where} is not as expected"
        ) from None
