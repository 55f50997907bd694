"""XML and JSON documents: agent discover_hardware, Manager REST, libvirt, and our own facts."""

from __future__ import annotations

import json
import re
from typing import Any
from xml.etree.ElementTree import Element  # the type only

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from core.cpu import flags, models
from core.cpu.formats import common, cpuid, lscpu, xen
from core.models.cpu import Arch, CpuProfile, FlagSource

_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")


def read_xml(text: str) -> dict[str, CpuProfile]:
    """Servers of an XML document or fragment; empty when it is malformed or tells of no processor."""
    body = _DECLARATION.sub("", text, count=1)
    try:
        root = ElementTree.fromstring(f"<all>{body}</all>", forbid_dtd=True)
    except (ElementTree.ParseError, DefusedXmlException, ValueError):
        return {}
    for node in root.iter():
        node.tag = str(node.tag).rpartition("}")[2]
    inner = root.find(".//string")
    if inner is not None and inner.text and "<" in inner.text and root.find(".//methodResponse") is not None:
        return read_xml(inner.text)
    if root.find(".//NodeInformation") is not None:
        return {"": _agent(root)}
    cpudata = root.find(".//cpudata")
    if cpudata is not None:
        return {"": cpuid.read_cpudata(cpudata)}
    if root.find(".//cpus") is not None or root.find(".//cpuFamily") is not None or _group(root) is not None:
        return _rest_xml(root)
    host = root.find(".//host/cpu")
    cpu = host if host is not None else root.find(".//cpu")
    return {_text(root, ".//host/name") or "": _libvirt(cpu)} if cpu is not None else {}


def _text(node: Element, path: str) -> str | None:
    found = node.find(path)
    return found.text if found is not None else None


def _agent(root: Element) -> CpuProfile:
    """The agent's discover_hardware (agent-rpc 5.2): dom0's flags, and the hypervisor's own words."""
    items = [
        common.profile(
            {
                "vendor": _text(cpu, "vendor_id"),
                "family": _text(cpu, "cpu_family"),
                "model": _text(cpu, "model"),
                "stepping": _text(cpu, "stepping"),
                "model_name": _text(cpu, "model_name"),
                "microcode": _text(cpu, "microcode"),
                "flags": _text(cpu, "flags") or "",
            }
        )
        for cpu in root.findall(".//Proc_Info/CPU")
    ]
    first = items[0] if items else CpuProfile()

    def count(name: str) -> int | None:
        return common.number(_text(root, f".//PhysicalInfo/{name}") or "")

    per_node, nodes = count("SocketsPerNode"), count("Nodes")
    khz = count("CPUKHz")
    seen = first.model_copy(
        update={
            "differs_inside": common.differs(items) if items else False,
            "khz": khz or first.khz,
            "threads_per_core": count("ThreadsPerCore"),
            "cores_per_socket": count("CoresPerSocket"),
            "sockets": per_node * nodes if per_node and nodes else per_node,
            "logical_cpus": len(items) or None,
            "flag_source": FlagSource.XEN_DOM0 if first.flags else FlagSource.NONE,
            "is_virtual": None,
        }
    )
    caps = root.find(".//HW_Caps")
    words = [common.number(item.text or "", 16) for item in caps] if caps is not None else []
    return xen.with_hw_caps(seen, [word for word in words if word is not None])


def _group(root: Element) -> str | None:
    for path in (".//cpuCompatibilityGroupId/value", ".//cpuCompatibilityGroupId/name"):
        text = common.inert(_text(root, path))
        if text:
            return text
    return None


def _rest_xml(root: Element) -> dict[str, CpuProfile]:
    servers = root.findall(".//server") or root.findall(".//Server") or [root]
    found: dict[str, CpuProfile] = {}
    for server in servers:
        nodes = server.findall(".//cpus") or ([server] if server.find(".//cpuFamily") is not None else [])
        rows = [{child.tag: child.text for child in node.iter()} for node in nodes]
        head = {child.tag: child.text for child in server if child.text}
        name = common.inert(head.get("hostname") or head.get("name"))
        found.setdefault(name or "", _rest(rows, head, _group(server), _text(server, ".//ovmVersion")))
    return found


def _rest(
    rows: list[dict[str, Any]], head: dict[str, Any], group: str | None, release: object = None
) -> CpuProfile:
    """A server of Manager's REST interface (3.2.1 and later); the flags are those of dom0."""
    items = [
        common.profile(
            {
                "vendor": row.get("vendorId") or row.get("manufacturer"),
                "family": row.get("cpuFamily"),
                "model": row.get("cpuModel"),
                "stepping": row.get("stepping") or row.get("cpuStepping"),
                "model_name": row.get("modelName"),
                "flags": str(row.get("flags") or ""),
            }
        )
        for row in rows
    ]
    arch = str(head.get("cpuArchitectureType") or head.get("processorType") or "").upper()
    first = items[0] if items else CpuProfile()
    key = common.group_of(group)
    if key and first.key is None:
        first = first.model_copy(update={"vendor": key[0], "family": key[1], "model": key[2]})
    sparc = arch.startswith("SPARC")
    known = Arch.SPARC if sparc else Arch.X86_64 if arch.startswith("X86") or first.key else first.arch
    return first.model_copy(
        update={
            "arch": known,
            "differs_inside": common.differs(items) if items else False,
            "flag_source": FlagSource.XEN_DOM0 if first.flags else FlagSource.NONE,
            "is_virtual": None,
            "sockets": common.number(head.get("populatedProcessorSockets", "")),
            "cores_per_socket": common.number(head.get("coresPerProcessorSocket", "")),
            "threads_per_core": common.number(head.get("threadsPerCore", "")),
            "khz": common.number(head.get("processorSpeed", "")) or first.khz,
            "platform_release": common.inert(head.get("ovmVersion") or release),
            "hypervisor": _hypervisor(head.get("hypervisor")),
            "group": group,
        }
    )


def _hypervisor(value: Any) -> str | None:
    """`XEN 4.3.1OVM`, from text or from Manager's {type, version}."""
    if isinstance(value, dict):
        value = " ".join(str(value[key]) for key in ("type", "version") if value.get(key))
    return common.inert(value) if isinstance(value, str) else None


def _libvirt(cpu: Element) -> CpuProfile:
    """libvirt's host CPU: a named model plus the features beyond it."""
    vendor = common.inert(_text(cpu, "vendor"))
    signature = cpu.find("signature")
    family, model, step = (
        (signature.get(k) for k in ("family", "model", "stepping")) if signature is not None else [None] * 3
    )
    named = common.inert(_text(cpu, "model"))
    extra = [
        node.get("name", "")
        for node in cpu.findall("feature")
        if node.get("policy", "require") in ("require", "force")
    ]
    gone = [
        node.get("name", "") for node in cpu.findall("feature") if node.get("policy") in ("disable", "forbid")
    ]
    base = models.features(named)
    microcode = cpu.find("microcode")
    arch = _text(cpu, "arch")
    names = (base or frozenset()) | flags.normalise(extra)
    return common.profile(
        {
            "vendor": common.LIBVIRT_VENDORS.get(vendor or "", vendor),
            "family": family,
            "model": model,
            "stepping": step,
            "model_name": None,
            "microcode": microcode.get("version") if microcode is not None else None,
        },
        flags=names - flags.normalise(gone),
        flags_cut=base is None,
        flag_source=FlagSource.CPUID if base else FlagSource.OTHER if names else FlagSource.NONE,
        arch=Arch.X86_64 if arch in (None, "x86_64", "i686") else Arch.OTHER,
        remarks=(f"libvirt's model {named}" + ("" if base else ", whose features are not in our table"),)
        if named
        else (),
    )


def read_json(text: str) -> dict[str, CpuProfile]:
    """Servers of a JSON document; empty when it is malformed or tells of no processor."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return _json(data, 0)


def _json(data: Any, depth: int) -> dict[str, CpuProfile]:
    if depth > 4:
        return {}
    if isinstance(data, list):
        rows = [item for item in data if isinstance(item, dict)]
        if rows and all("cpuFamily" in row for row in rows):
            return _rest_cpus(rows)
        found: dict[str, CpuProfile] = {}
        for item in rows:
            for name, value in _json(item, depth + 1).items():
                found[_free(found, name)] = value
        return found
    if not isinstance(data, dict):
        return {}
    if isinstance(data.get("lscpu"), list):
        return lscpu.read_json(data["lscpu"])
    if "cpuFamily" in data:
        return _rest_cpus([data])
    if "cpuCompatibilityGroupId" in data or "processorType" in data or "cpus" in data:
        return {common.inert(data.get("hostname") or data.get("name")) or "": _rest_server(data)}
    if "modelname" in data or ("features" in data and "vendor" in data):
        return {"": xen.from_mapping(data)}
    for key in ("cpu_info", "server", "servers", "host"):
        if isinstance(data.get(key), dict | list):
            return _json(data[key], depth + 1)
    return {}


def _free(taken: dict[str, CpuProfile], name: str) -> str:
    """`name`, or with a number when it is taken."""
    if name not in taken:
        return name
    return next(f"{name}#{n}" for n in range(2, len(taken) + 3) if f"{name}#{n}" not in taken)


def _rest_server(data: dict[str, Any]) -> CpuProfile:
    group = data.get("cpuCompatibilityGroupId")
    name = common.inert((group.get("value") or group.get("name")) if isinstance(group, dict) else group)
    cpus = data.get("cpus")
    rows = [
        row
        for row in (cpus if isinstance(cpus, list) else [])
        if isinstance(row, dict) and "cpuFamily" in row
    ]
    control = data.get("controlDomains")
    first = control[0] if isinstance(control, list) and control else control
    release = first.get("ovmVersion") if isinstance(first, dict) else None
    return _rest(rows, data, name, release)


def _rest_cpus(rows: list[dict[str, Any]]) -> dict[str, CpuProfile]:
    servers: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        owner = row.get("serverId")
        name = common.inert((owner.get("name") or owner.get("value")) if isinstance(owner, dict) else owner)
        servers.setdefault(name or "", []).append(row)
    return {name: _rest(items, {}, None) for name, items in servers.items()}
