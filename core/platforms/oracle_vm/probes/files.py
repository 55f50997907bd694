"""Pure parsers of Oracle VM's own files and data bases on a server (agent-rpc 8 and 13)."""

from __future__ import annotations

import re
from typing import Any

from core.platforms.oracle_vm.facts import O2cbSettings, StoredCluster

_NOBODY = frozenset({"", "none", "null", "nil", "unowned"})
_MAX_DUMP = 256 * 1024


def parse_release(text: str) -> str:
    """Release out of /etc/ovs-release (its first line ends with it) or /etc/ovs-info (`release: 3.x.y`)."""
    match = re.search(r"^[ \t]*release\s*:\s*(\d+\.\d+\.\d+(?:-\d+)?)", text, re.MULTILINE | re.IGNORECASE)
    if match is None:
        match = re.search(r"(\d+\.\d+\.\d+(?:-\d+)?)\s*$", text.strip().split("\n", 1)[0])
    if match is None:
        raise ValueError("the file names no release")
    return match[1]


def parse_agent_db(text: str) -> dict[str, Any]:
    """Owner and pool out of `ovs-agent-db dump_db server`.

    Its layout is UNCONFIRMED, so a Python or JSON dictionary and `key: value` lines are taken, and an id of Manager's
    or a pool's kind counts wherever it stands. A data base that has a server's keys but no owner means: nobody owns
    it. ValueError when it cannot be told.
    """
    text = text[:_MAX_DUMP]
    values = _pairs(text)
    found = {
        field: _or_none(next((values[name] for name in names if name in values), None))
        for field, names in _DB_FIELDS.items()
    }
    for field, kind in _KINDS.items():
        match = re.search(rf"\b0004fb0000{kind}0000[0-9a-f]{{16}}\b", text.lower())
        if found[field] is None and match:
            found[field] = match[0]
    is_empty = text.strip() in ("", "{}", "[]")
    if not is_empty and not any(found.values()) and not _SERVER_KEYS & values.keys():
        raise ValueError("the data base names neither owner nor pool")
    return found


_DB_FIELDS = {
    "owner": ("manager_uuid", "manager_unique_id"),
    "pool_id": ("pool_uuid", "pool_unique_id"),
    "pool_alias": ("pool_alias",),
    "registered_ip": ("registered_ip",),
}
_KINDS = {"owner": "01", "pool_id": "02"}  # agent-rpc 7
_SERVER_KEYS = frozenset(  # agent-rpc 13
    {
        "cluster_state",
        "clustered",
        "is_master",
        "manager_ip",
        "manager_uuid",
        "node_number",
        "pool_uuid",
        "registered_hostname",
        "registered_ip",
        "roles",
    }
)
_VALUE = r"""u?'([^'\n]{0,300})'|u?"([^"\n]{0,300})"|([^\s,{}'"]{0,300})"""
_PAIR = re.compile(rf"""['"]?\b([A-Za-z_]{{2,40}})['"]?[ \t]*(?:=>|[:=])[ \t]*(?:{_VALUE})""")


def _pairs(text: str) -> dict[str, str]:
    """Keys, lower case, and their plain values; the first of each."""
    found: dict[str, str] = {}
    for match in _PAIR.finditer(text):
        found.setdefault(match[1].lower(), next((part for part in match.groups()[1:] if part), ""))
    return found


def _or_none(value: str | None) -> str | None:
    text = (value or "").strip()
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
        addresses=tuple(
            values["ip_address"] for kind, values in stanzas if kind == "node" and values.get("ip_address")
        ),
    )


def parse_o2cb(text: str) -> int | None:
    """O2CB_HEARTBEAT_THRESHOLD of /etc/sysconfig/o2cb, None when it is not set."""
    match = re.search(r"^[ \t]*O2CB_HEARTBEAT_THRESHOLD\s*=\s*[\"']?(\d{1,5})", text, re.MULTILINE)
    return int(match[1]) if match else None


def parse_o2cb_status(text: str) -> bool | None:
    """`service o2cb status`: whether a cluster is online or a heartbeat beats; None when it says neither."""
    if re.search(r"(?im)cluster\s+\"?[\w.-]*\"?\s*:?\s*online|heartbeat\s*:\s*active", text):
        return True
    is_off = re.search(r"(?i)\boffline\b|not (?:loaded|running|mounted)", text)
    return False if is_off else None


def parse_o2cb_settings(text: str) -> O2cbSettings:
    """/etc/sysconfig/o2cb as a whole; what is not set stays None."""
    values = {
        match[1]: match[2]
        for match in re.finditer(
            r"""^[ \t]*O2CB_(\w{1,40})\s*=\s*["']?([\w.-]{0,40})""", text[:65536], re.MULTILINE
        )
    }
    number = {name: int(value) for name, value in values.items() if value.isdigit() and len(value) < 9}
    return O2cbSettings(
        is_enabled=values["ENABLED"].lower() in ("true", "yes", "1") if "ENABLED" in values else None,
        cluster=values.get("BOOTCLUSTER", ""),
        heartbeat_threshold=number.get("HEARTBEAT_THRESHOLD"),
        idle_timeout_ms=number.get("IDLE_TIMEOUT_MS"),
        keepalive_delay_ms=number.get("KEEPALIVE_DELAY_MS"),
        reconnect_delay_ms=number.get("RECONNECT_DELAY_MS"),
    )
