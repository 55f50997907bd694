"""Pure parsers of Oracle VM's own files and data bases on a server (agent-rpc 8 and 13)."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

from core.platforms.oracle_vm.facts import StoredCluster

_NOBODY = frozenset({"", "none", "null", "nil", "unowned"})
_MAX_DUMP = 256 * 1024


def parse_release(text: str) -> str:
    """Release out of /etc/ovs-release (its first line ends with it) or /etc/ovs-info (`release: 3.x.y`)."""
    match = re.search(r"^\s*release\s*:\s*(\d+\.\d+\.\d+(?:-\d+)?)", text, re.MULTILINE | re.IGNORECASE)
    if match is None:
        match = re.search(r"(\d+\.\d+\.\d+(?:-\d+)?)\s*$", text.strip().split("\n", 1)[0])
    if match is None:
        raise ValueError("the file names no release")
    return match[1]


def parse_agent_db(text: str) -> dict[str, Any]:
    """Owner and pool out of `ovs-agent-db dump_db server`: a Python or JSON dictionary, or `key: value` lines.

    Its layout is UNCONFIRMED, so any of them is taken; ValueError when none of the known keys is there.
    """
    values = _dictionary(text[:_MAX_DUMP])
    found: dict[str, Any] = {}
    for field, names in _DB_FIELDS.items():
        for name in names:
            if name in values:
                found[field] = _or_none(values[name])
                break
    if not found:
        if not text.strip() or text.strip() in ("{}", "[]"):
            return {"owner": None, "pool_id": None, "pool_alias": None, "registered_ip": None}
        raise ValueError("the data base names neither owner nor pool")
    if "owner" in found:
        found.setdefault("pool_id", None)
        found.setdefault("pool_alias", None)
        found.setdefault("registered_ip", None)
    return found


_DB_FIELDS = {
    "owner": ("manager_uuid", "manager_unique_id"),
    "pool_id": ("pool_uuid", "pool_unique_id"),
    "pool_alias": ("pool_alias",),
    "registered_ip": ("registered_ip",),
}


def _dictionary(text: str) -> dict[str, Any]:
    for read in (json.loads, ast.literal_eval):
        try:
            value = read(text.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
            continue
        if isinstance(value, dict):
            return {str(key).lower(): item for key, item in value.items()}
    pairs = re.findall(
        r"""^[\s{,]*['"]?([A-Za-z_]{2,40})['"]?\s*(?:=>|[:=])\s*(.*?)[,}\s]*$""", text, re.MULTILINE
    )
    return {key.lower(): value.strip().strip("'\"") for key, value in pairs}


def _or_none(value: Any) -> str | None:
    text = str(value).strip() if value is not None else ""
    text = re.sub(r"""^u?['"]|['"]$""", "", text)
    return None if text.lower() in _NOBODY else text[:200]


def parse_cluster_conf(text: str) -> StoredCluster | None:
    """/etc/ocfs2/cluster.conf; None when it names no cluster."""
    stanzas: list[tuple[str, dict[str, str]]] = []
    for line in text.splitlines()[:5000]:
        head = re.match(r"^(\w+):\s*$", line)
        pair = re.match(r"^\s+(\w+)\s*=\s*(.*?)\s*$", line)
        if head:
            stanzas.append((head[1], {}))
        elif pair and stanzas:
            stanzas[-1][1][pair[1]] = pair[2]
    clusters = [values for kind, values in stanzas if kind == "cluster" and values.get("name")]
    if not clusters:
        return None
    return StoredCluster(
        name=clusters[0]["name"],
        heartbeat_mode=clusters[0].get("heartbeat_mode", ""),
        nodes=tuple(values["name"] for kind, values in stanzas if kind == "node" and values.get("name")),
        regions=tuple(
            values["region"] for kind, values in stanzas if kind == "heartbeat" and values.get("region")
        ),
    )


def parse_o2cb(text: str) -> int | None:
    """O2CB_HEARTBEAT_THRESHOLD of /etc/sysconfig/o2cb, None when it is not set."""
    match = re.search(r"^\s*O2CB_HEARTBEAT_THRESHOLD\s*=\s*[\"']?(\d{1,5})", text, re.MULTILINE)
    return int(match[1]) if match else None
