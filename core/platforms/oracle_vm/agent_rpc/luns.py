"""discover_physical_luns -> facts, tolerant: no recording is known (agent-rpc 5.8, UNCONFIRMED). Pure."""

from __future__ import annotations

import re
from typing import Any
from xml.etree.ElementTree import Element

from core.platforms.oracle_vm.agent_rpc.walk import integer

_WWID = (
    "page83_id",
    "page83_identifier",
    "page_83_id",
    "page83",
    "wwid",
    "scsi_id",
    "unique_id",
    "identifier",
    "uuid",
)
_NAME = ("name", "device_name", "user_friendly_name", "dev_name", "device")
_SIZE = ("size", "size_bytes", "capacity", "sz")
_PREFIX = re.compile(r"\A(?:/dev/mapper/|/dev/disk/by-id/(?:scsi-|wwn-0x|dm-uuid-mpath-)?)")


def physical_luns(root: Element) -> dict[str, Any]:
    """Every Disk and ISCSI_Target below the root, wherever it stands, by the first name that fits."""
    disks = [_disk(element) for element in root.iter() if element.tag.lower() == "disk"]
    targets = [_flat(element) for element in root.iter() if element.tag.lower() == "iscsi_target"]
    return {"disks": disks, "iscsi_targets": targets}


def _disk(element: Element) -> dict[str, Any]:
    values = _flat(element)
    name, wwid = _first(values, _NAME), _first(values, _WWID)
    return {
        "name": name,
        "wwid": _PREFIX.sub("", wwid) if wwid else None,
        "size_bytes": integer(_first(values, _SIZE)),
        "vendor": values.get("vendor"),
        "product": _first(values, ("product", "model", "product_id")),
        "attributes": values,
    }


def _flat(element: Element) -> dict[str, str]:
    """Attributes and leaves of an element, names lower-cased, the first of each."""
    found = {key.lower(): value.strip() for key, value in element.attrib.items()}
    for child in element.iter():
        if child is not element and not len(child) and (child.text or "").strip():
            found.setdefault(child.tag.lower(), (child.text or "").strip())
    return found


def _first(values: dict[str, str], names: tuple[str, ...]) -> str | None:
    return next((values[name] for name in names if values.get(name)), None)
