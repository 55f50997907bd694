"""What the servers themselves tell of a finished pool, agents and dom0, judged item by item (server-pools 7a)."""

from __future__ import annotations

import re

from core.facts.batch import Section
from core.facts.linux import parse_ip_addr, parse_mounts
from core.models.events import Verified
from core.models.plan import Plan
from core.platforms.oracle_vm.facts import AgentLogin
from core.platforms.oracle_vm.probes.files import parse_o2cb_status
from core.platforms.oracle_vm.spec import PoolSpec
from core.platforms.oracle_vm.verifying import titles
from core.platforms.oracle_vm.verifying.look import ServerLook
from core.text import listed

_LOGIN_WORDS = {
    AgentLogin.ACCEPTED: "still accepted by",
    AgentLogin.REFUSED: "refused by",
    AgentLogin.REFUSED_OWNED: "refused by",
}


def password_item(looks: list[ServerLook]) -> Verified:
    """As seen: documentation says certificates take its place, a refusal was never seen (server-pools 9, 20)."""
    answers: dict[str, list[str]] = {}
    for look in looks:
        words = _LOGIN_WORDS[look.agent_login] if look.agent_login is not None else look.agent_missing
        answers.setdefault(words, []).append(look.name)
    detail = "; ".join(f"{words} {listed(names)}" for words, names in answers.items())
    return Verified(
        id="agent.password",
        title="agent password after ownership, as seen",
        holds=True if all(look.agent_login is not None for look in looks) else None,
        detail=detail,
        source="R009 agent discover_server",
        is_essential=False,
    )


def membership_item(looks: list[ServerLook]) -> Verified:
    """Whether the servers agree on their pool."""
    pools = {look.name: look.agent.get("pool_id") for look in looks if look.agent is not None}
    silent = [look.name for look in looks if look.agent is None]
    differing = len(set(pools.values())) > 1 or None in pools.values()
    return Verified(
        id="agents.membership",
        title=titles.MEMBERSHIP,
        holds=False if differing else None if silent else True,
        detail=f"not told by {listed(silent)} ({titles.OWNED})" if silent
        else f"pools seen: {listed(sorted({str(pool) for pool in pools.values()}))}",
        source="V04 agent discover_server",
        is_essential=False,
    )  # fmt: skip


def _by_dom0(looks: list[ServerLook], key: str) -> tuple[dict[str, Section], str]:
    """A dom0 section of every server, or why it is not there for all of them."""
    sections = {look.name: look.dom0[key] for look in looks if key in look.dom0}
    reasons = [f"{look.name}: {look.dom0_missing}" for look in looks if key not in look.dom0]
    reasons += [f"{name}: {section.why_not}" for name, section in sections.items() if not section.worked]
    if len(reasons) == len(looks) and not sections:
        return {}, looks[0].dom0_missing if len({look.dom0_missing for look in looks}) == 1 else listed(
            reasons, 3
        )
    return sections, listed(reasons, 3)


def vip_item(vip: str, looks: list[ServerLook]) -> Verified:
    """Who holds the virtual IP."""
    source = "V06 ssh ip addr"
    is_solaris = any("ipadm" in look.dom0 and look.dom0["ipadm"].worked for look in looks)
    sections, missing = _by_dom0(looks, "ipadm" if is_solaris else "addr")
    holders = [name for name, section in sections.items() if vip in _addresses(section.text)]
    holds: bool | None = len(holders) == 1
    if missing and len(holders) < 2:
        holds = None
    detail = f"on {listed(holders)}" if holders else "on none of the servers looked at"
    return Verified(
        id="pool.vip_holder",
        title=titles.VIP_HOLDER,
        holds=holds,
        detail=f"{detail}; {missing}" if missing else detail,
        source=source,
    )


def _addresses(text: str) -> set[str]:
    """Addresses in `ip -o -4 addr show` or, of a SPARC control domain, `ipadm show-addr -p -o addrobj,addr`."""
    return {one.address for one in parse_ip_addr(text)} | set(
        re.findall(r"(?m):([\d.]{7,15})/\d{1,2}$", text)
    )


def cluster_items(spec: PoolSpec, plan: Plan, looks: list[ServerLook]) -> list[Verified]:
    """The cluster under the pool; on SPARC it cannot be read."""
    if any("sparc" in (look.seen.server.processor_type if look.seen else "").casefold() for look in looks):
        return [
            Verified(
                id="cluster.online",
                title=titles.CLUSTER_ONLINE,
                holds=None,
                detail=titles.SPARC_CLUSTER,
                is_essential=False,
            )
        ]
    expected = titles.expected_threshold(spec, plan.release)
    return [
        _online_item(looks),
        _threshold_item(looks, expected),
        _conf_item(looks),
        _mount_item(looks),
    ]


def _online_item(looks: list[ServerLook]) -> Verified:
    answers = {look.name: _is_online(look) for look in looks}
    offline = [name for name, answer in answers.items() if answer is False]
    untold = [name for name, answer in answers.items() if answer is None]
    why = next((look.dom0_missing for look in looks if look.name in untold and look.dom0_missing), "not told")
    return Verified(
        id="cluster.online",
        title=titles.CLUSTER_ONLINE,
        holds=False if offline else None if untold else True,
        detail=f"offline on {listed(offline)}"
        if offline
        else f"{listed(untold)}: {why}"
        if untold
        else "online",
        source="V07 agent is_cluster_online, ssh service o2cb status",
    )


def _is_online(look: ServerLook) -> bool | None:
    if look.agent_online is not None:
        return look.agent_online
    section = look.dom0.get("o2cb_status")
    if section is None or section.status in (None, 126, 127):
        return None
    return parse_o2cb_status(section.text)


def _threshold_item(looks: list[ServerLook], expected: int | None) -> Verified:
    sections, missing = _by_dom0(looks, "o2cb")
    read = {name: _threshold(section.text) for name, section in sections.items() if section.worked}
    values = {name: value for name, value in read.items() if value is not None}
    unsaid = [f"{name}: no threshold in it" for name in read if name not in values]
    missing = "; ".join(text for text in (missing, listed(unsaid, 3)) if text)
    wrong = [f"{name} has {value}" for name, value in values.items() if expected and value != expected]
    is_equal = len(set(values.values())) <= 1
    holds: bool | None = is_equal and not wrong
    if missing or not values:
        holds = None if is_equal and not wrong else False
    detail = listed(wrong) or listed(sorted({str(value) for value in values.values()})) or "not seen"
    return Verified(
        id="cluster.threshold",
        title=titles.threshold_title(expected),
        holds=holds,
        detail=f"{detail}; {missing}" if missing else detail,
        source="V08 ssh cat /etc/sysconfig/o2cb",
    )


def _threshold(text: str) -> int | None:
    match = re.search(r"(?m)^\s*O2CB_HEARTBEAT_THRESHOLD\s*=\s*\"?(\d{1,6})", text)
    return int(match[1]) if match else None


def _conf_item(looks: list[ServerLook]) -> Verified:
    sections, missing = _by_dom0(looks, "cluster_conf")
    texts = {name: stanzas(section.text) for name, section in sections.items() if section.worked}
    is_equal = len(set(texts.values())) <= 1
    nodes = [sum(1 for stanza in stanza_list if stanza.startswith("node:")) for stanza_list in texts.values()]
    wrong_count = [count for count in nodes if count != len(looks)]
    holds: bool | None = is_equal and not wrong_count
    if missing or not texts:
        holds = None if is_equal and not wrong_count else False
    detail = "differs between servers" if not is_equal else f"{nodes[0]} nodes" if nodes else "not seen"
    return Verified(
        id="cluster.conf",
        title=titles.CLUSTER_CONF,
        holds=holds,
        detail=f"{detail}; {missing}" if missing else detail,
        source="V09 ssh cat /etc/ocfs2/cluster.conf",
    )


def stanzas(text: str) -> tuple[str, ...]:
    """Stanzas of a cluster.conf, blanks and order apart: files are equal when these are (agent-rpc 8)."""
    found: list[list[str]] = []
    for line in text.replace("\r", "").split("\n"):
        plain = re.sub(r"\s*=\s*", "=", line.strip())
        if not plain:
            continue
        if not line[:1].isspace() and plain.endswith(":"):
            found.append([plain])
        elif found:
            found[-1].append(plain)
    return tuple(sorted(" ".join([stanza[0], *sorted(stanza[1:])]) for stanza in found))


def _mount_item(looks: list[ServerLook]) -> Verified:
    sections, missing = _by_dom0(looks, "mounts")
    mounted = {name: _pool_mounts(section.text) for name, section in sections.items() if section.worked}
    without = [name for name, count in mounted.items() if count == 0]
    holds: bool | None = not without
    if missing or not mounted:
        holds = False if without else None
    detail = f"not on {listed(without)}" if without else f"on {len(mounted)} servers"
    return Verified(
        id="cluster.mounted",
        title=titles.CLUSTER_MOUNTED,
        holds=holds,
        detail=f"{detail}; {missing}" if missing else detail,
        source="V10 ssh cat /proc/mounts",
    )


def _pool_mounts(text: str) -> int:
    return sum(
        1 for mount in parse_mounts(text) if mount.kind == "ocfs2" and "/Repositories/" not in mount.path
    )
