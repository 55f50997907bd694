"""Servers with their processors and memory, out of collected facts or of any description. Pure: text or models in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from core.cpu.formats.common import inert
from core.cpu.migrate import GroupReading, reading_of
from core.cpu.parse import CpuFormatError, parse_profiles
from core.cpu.pool import Memory
from core.models.cpu import CpuProfile
from core.models.facts import ServerFacts
from core.models.fleet import FleetFacts


@dataclass(slots=True)
class Fleet:
    """Processors by server name (None: could not be read), memory where known, groups where read back."""

    profiles: dict[str, CpuProfile | None] = field(default_factory=dict)
    memory: dict[str, Memory] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)  # why a processor is not known

    def add(self, name: str, profile: CpuProfile | None, source: str = "", reason: str = "") -> str:
        """Add a server under its name, or under a numbered one when the name is taken; returns the name used."""
        name = inert(name) or "unnamed"
        free, number = name, 2
        while free in self.profiles:
            free, number = f"{name}#{number}", number + 1
        self.profiles[free] = profile
        self.sources[free] = source
        if reason:
            self.reasons[free] = inert(reason) or ""
        return free

    @property
    def reading(self) -> GroupReading:
        """Group memberships that the facts carry."""
        return reading_of(self.profiles)


def of_facts(facts: FleetFacts) -> Fleet:
    """The processors, memory and releases of collected facts."""
    fleet = Fleet()
    for name, server in facts.servers.items():
        _add_server(fleet, name, server)
    return fleet


def _add_server(fleet: Fleet, name: str, server: ServerFacts) -> None:
    profile = server.cpu.value if server.cpu.is_known else None
    if profile is not None:
        profile = _completed(profile, server.release.value, server.hypervisor.value, server.kernel.value)
    used = fleet.add(name, profile, server.cpu.source, server.cpu.missing or "")
    fleet.memory[used] = Memory(server.memory_mib.value, server.free_memory_mib.value)


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
        return True
    if isinstance(data.get("cpu"), dict) and "address" in data:
        _read_server(fleet, str(data.get("name") or name), data, source)
        return True
    if "flag_source" in data:
        fleet.add(name, _profile(data), source)
        return True
    return False


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
