"""Out of facts: what a rollback must bring back, and what a plan is bound to. Pure.

Left out, since it changes by itself or cannot come back: see LEFT_OUT.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from core.checks.fixes import host
from core.models.facts import Fact, Mount
from core.models.fingerprint import Fingerprint, FingerprintItem
from core.platforms.oracle_vm.facts import ManagerFacts, OvmFleet, OvmServerFacts
from core.platforms.oracle_vm.spec import LunFileSystem, NfsFileSystem, PoolSpec
from core.text import inert

LEFT_OUT = (
    "ids that Manager gives its objects",
    "jobs and events",
    "times and clocks",
    "what Manager lists of its own accord once it knows a server: ports, local file servers, disks",
)
OWN_CLOCK = "127.127."  # ntpd's driver for the machine's own clock (server-pools R031)
_SHARED = ("nfs", "nfs4", "ocfs2")


def fingerprint_of(spec: PoolSpec, fleet: OvmFleet) -> Fingerprint:
    """Every item for the servers and the storage of the spec, known or with the reason why not."""
    manager = fleet.manager or ManagerFacts()
    items: list[FingerprintItem] = []
    for name in spec.master_first:
        facts = fleet.ovm_server(name) or OvmServerFacts(name=name, address=name)
        items += _server(spec, facts, manager)
    items += _pools(spec, manager)
    items += _registered(spec, fleet, manager)
    items += _storage(spec, fleet)
    return Fingerprint(items=tuple(items), left_out=LEFT_OUT, taken_at=fleet.observed_at)


def _server(spec: PoolSpec, facts: OvmServerFacts, manager: ManagerFacts) -> list[FingerprintItem]:
    name = facts.name
    found = [
        _item(name, "owner", facts.owner, lambda owner: str(owner or "nobody").lower()),
        _listed(facts, manager),
        _item(name, "pool", facts.pool_id, lambda pool: str(pool or "none").lower()),
        _item(name, "cluster", facts.stored_cluster, lambda one: one.name if one else "none"),
        _item(name, "mounts", facts.mounts, _mounts),
        _item(name, "roles", facts.roles, lambda roles: " ".join(sorted(roles or ())) or "none"),
        _network(facts),
        _ntp(facts),
    ]
    vip = spec.pool.virtual_ip
    if vip:
        found.append(
            _item(name, "virtual IP", facts.addresses, lambda all_: _held(vip, (a.address for a in all_)))
        )
    return found


def _item(name: str, what: str, fact: Fact[Any], show: Any, **more: Any) -> FingerprintItem:
    key = f"server:{name}:{what.replace(' ', '_')}"
    if not fact.is_known:
        return FingerprintItem(
            key=key, title=f"{what} of {name}", where=name, source=fact.source,
            unknown=fact.missing or "not asked",
        )  # fmt: skip
    text = inert(str(show(fact.value)), 2000)
    where = more.pop("where", name)
    return FingerprintItem(
        key=key, title=f"{what} of {name}", where=where, value=text, source=fact.source, **more
    )


def _held(vip: str, addresses: Iterable[str]) -> str:
    return f"{vip} is {'held' if vip in addresses else 'not held'}"


def _listed(facts: OvmServerFacts, manager: ManagerFacts) -> FingerprintItem:
    """Whether Manager lists it, and its roles there would be its own affair."""
    uuid = facts.server_uuid.value
    entry = manager.server(uuid=str(uuid) if uuid else None, address=facts.name)
    listed: Fact[Any] = manager.servers.model_copy(update={"value": entry})
    return _item(facts.name, "entry in Manager", listed, lambda one: "listed" if one else "not listed")


def _mounts(mounts: Iterable[Mount] | None) -> str:
    """Shared file systems; our own short look at a share, below /tmp, is none."""
    kept = [one for one in mounts or () if one.kind in _SHARED and not one.path.startswith("/tmp/")]  # noqa: S108
    return "; ".join(sorted(f"{one.device} on {one.path}" for one in kept)) or "none"


def _network(facts: OvmServerFacts) -> FingerprintItem:
    """What Manager wrote into the meta files of the interfaces (agent-rpc 5.5)."""
    where = f"{facts.name} (network)"
    return _item(
        facts.name, "network metadata", facts.network_tags,
        lambda tags: "; ".join(sorted(tags or ())) or "none", where=where,
    )  # fmt: skip


def _ntp(facts: OvmServerFacts) -> FingerprintItem:
    """A release does not put it back; agent and dom0 spell the machine's own clock in two ways."""
    servers = [one for one in facts.ntp_servers.value or () if not one.startswith(OWN_CLOCK)]
    return _item(
        facts.name, "NTP", facts.ntp_servers, lambda _all: " ".join(sorted(servers)) or "own clock only",
        where=f"{facts.name} (NTP)", restored_by_undo=False, restore=ntp_commands(facts.address, servers),
    )  # fmt: skip


def ntp_commands(address: str, servers: Iterable[str]) -> tuple[str, ...]:
    """By which a person gives a server its time sources back, on the server itself; what no host is called that way
    is not offered in a command."""
    wanted = list(servers) or [f"{OWN_CLOCK}1.0"]
    if not all(host(one).is_safe for one in (address, *wanted)):
        return ()
    lines = "\\n".join(f"server {one}" for one in wanted)
    edit = f"sed -i.before -e '/^server /d' /etc/ntp.conf && printf '{lines}\\n' >> /etc/ntp.conf"
    return (f'ssh root@{address} "{edit} && service ntpd restart"',)


def has_own_clock_only(facts: OvmServerFacts | None) -> bool | None:
    """Whether Manager would set its NTP when it takes the server; None when nobody could read it."""
    if facts is None or not facts.ntp_servers.is_known:
        return None
    return all(one.startswith(OWN_CLOCK) for one in facts.ntp_servers.value or ())


def _pools(spec: PoolSpec, manager: ManagerFacts) -> list[FingerprintItem]:
    name = spec.pool.name
    key, title = f"pool:{name}", f"pool {name} in Manager"
    if not manager.pools.is_known:
        return [_unread(key, title, name, manager.pools)]
    same = [one for one in manager.pools.value or () if one.name == name]
    text = "; ".join(sorted(f"{one.id} with {len(one.members)} servers" for one in same))
    return [_seen(key, title, name, text or "not there", manager.pools.source)]


def _registered(spec: PoolSpec, fleet: OvmFleet, manager: ManagerFacts) -> list[FingerprintItem]:
    """File server or array of the pool's storage, with the servers and initiators that may use it."""
    wanted = spec.pool.file_system
    names = _names(fleet, manager)
    if isinstance(wanted, NfsFileSystem):
        key, title = f"file_server:{wanted.server}", f"file server {wanted.server} in Manager"
        if not manager.file_servers.is_known:
            return [_unread(key, title, wanted.server, manager.file_servers)]
        same = [one for one in manager.file_servers.value or () if not one.is_local
                and one.access_host.casefold() == wanted.server.casefold()]  # fmt: skip
        text = "; ".join(
            f"admin {_list(names, one.admin_servers)}; refresh {_list(names, one.refresh_servers)}"
            for one in same
        )
        return [_seen(key, title, wanted.server, text or "not registered", manager.file_servers.source)]
    if isinstance(wanted, LunFileSystem):
        return _arrays(wanted, manager, names)
    return []


def _arrays(wanted: LunFileSystem, manager: ManagerFacts, names: Mapping[str, str]) -> list[FingerprintItem]:
    """All arrays: an array of the LUN may have a name that only the plan knows."""
    if not manager.arrays.is_known:
        return [_unread("arrays", "storage arrays in Manager", "Manager", manager.arrays)]
    text = "; ".join(
        sorted(f"{one.name}: admin {_list(names, one.admin_servers)}" for one in manager.arrays.value or ())
    )
    found = [_seen("arrays", "storage arrays in Manager", "Manager", text or "none", manager.arrays.source)]
    if wanted.transport == "iscsi" and manager.access_groups.is_known:
        text = "; ".join(
            sorted(
                f"{one.name}: {' '.join(sorted(one.initiators)) or 'empty'}"
                for one in manager.access_groups.value or ()
            )
        )
        source = manager.access_groups.source
        found.append(_seen("access_groups", "access groups in Manager", "Manager", text or "none", source))
    return found


def _names(fleet: OvmFleet, manager: ManagerFacts) -> dict[str, str]:
    """Manager's id of a server -> the name it is known by."""
    names = {one.id: one.name for one in manager.servers.value or ()}
    for name, facts in fleet.servers.items():
        if facts.server_uuid.value:
            names[str(facts.server_uuid.value)] = name
    return names


def _list(names: Mapping[str, str], ids: Iterable[str]) -> str:
    return " ".join(sorted(names.get(one, one) for one in ids)) or "none"


def _storage(spec: PoolSpec, fleet: OvmFleet) -> list[FingerprintItem]:
    """What lies on the share or LUN, as the first server saw it whose own system could tell."""
    wanted = spec.pool.file_system if spec.pool.clustered else None
    if wanted is None:
        return []
    nfs = isinstance(wanted, NfsFileSystem)
    where = f"{wanted.server}:{wanted.export}" if isinstance(wanted, NfsFileSystem) else f"LUN {wanted.wwid}"
    key, title, why = f"storage:{where}", f"content of {where}", "no server could look"
    for name in spec.server_names:
        facts = fleet.ovm_server(name)
        if facts is None:
            continue
        fact: Fact[Any] = facts.pool_nfs if nfs else facts.pool_lun
        text = _content(fact.value) if fact.is_known else None
        if text is not None:
            return [_seen(key, title, where, text, fact.source)]
        why = fact.missing or (fact.value.mount_error if nfs and fact.value else "") or why
    return [FingerprintItem(key=key, title=title, where=where, unknown=inert(why, 300))]


def _content(look: Any) -> str | None:
    if look is None:
        return None
    if hasattr(look, "entries"):
        return None if look.entries is None else " ".join(sorted(look.entries)) or "empty"
    if look.signatures is None:
        return None
    cluster = f" (cluster {look.cluster})" if look.cluster else ""
    return (" ".join(sorted(look.signatures)) or "empty") + cluster


def _seen(key: str, title: str, where: str, value: str, source: str) -> FingerprintItem:
    return FingerprintItem(key=key, title=title, where=where, value=inert(value, 4000), source=source)


def _unread(key: str, title: str, where: str, fact: Fact[Any]) -> FingerprintItem:
    return FingerprintItem(
        key=key, title=title, where=where, source=fact.source, unknown=fact.missing or "not asked"
    )


# -- what a plan is bound to ---------------------------------------------------------------------------------------


def basis_of(spec: PoolSpec, fleet: OvmFleet) -> dict[str, str]:
    """Known values a plan was judged on: the fingerprint, and who everybody is."""
    manager = fleet.manager or ManagerFacts()
    basis = fingerprint_of(spec, fleet).basis()
    more: dict[str, Fact[Any]] = {"manager:id": manager.uuid, "manager:release": manager.release}
    for name in spec.server_names:
        facts = fleet.ovm_server(name)
        if facts is None:
            continue
        more |= {f"server:{name}:id": facts.server_uuid, f"server:{name}:release": facts.ovm_version}
        cpu = facts.cpu.value
        if facts.cpu.is_known and cpu is not None:
            basis[f"server:{name}:processor"] = f"{cpu.vendor} {cpu.family} {cpu.model}"
    return basis | {
        key: inert(str(fact.value), 200) for key, fact in more.items() if fact.is_known and fact.value
    }


def drift_of(old: Mapping[str, str], spec: PoolSpec, fleet: OvmFleet) -> list[str]:
    """What differs from the basis of a plan, each in words; what cannot be read any more differs too."""
    new = basis_of(spec, fleet)
    said = {item.key: item.title for item in fingerprint_of(spec, fleet).items}
    unread = {item.key: item.unknown for item in fingerprint_of(spec, fleet).items if item.unknown}
    found = []
    for key, was in old.items():
        title = said.get(key, key.removeprefix("server:").replace(":", " "))
        if key not in new:
            found.append(f"{title} cannot be read any more: {unread.get(key, 'nobody tells')}")
        elif new[key] != was:
            found.append(f"{title}: was {was}, is {new[key]}")
    return found
