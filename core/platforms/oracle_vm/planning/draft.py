"""What every part of a plan asks of spec and facts: who is who in Manager, its words, what it owns already. Pure."""

from __future__ import annotations

from typing import TypeVar

from core.errors import PoolwrightError
from core.models.facts import Fact
from core.models.plan import JsonDict
from core.platforms.oracle_vm.facts import ManagedServer, ManagerFacts, OvmFleet
from core.platforms.oracle_vm.manager_cli.dialect import Dialect, dialect_of
from core.platforms.oracle_vm.spec import PoolSpec
from core.platforms.oracle_vm.steps.common import Who, roles_of

T = TypeVar("T")
POOL_LANE = "pool"
STAYS = "stays after a rollback: this Manager owned it before"


def release_of(spec: PoolSpec, fleet: OvmFleet) -> str:
    """Release word of the Manager that was seen, else the one in the spec; PoolwrightError when neither tells."""
    seen = fleet.manager.release.value if fleet.manager else None
    release = seen or (str(spec.release) if spec.release else None)
    if release is None:
        raise PoolwrightError(
            "cannot plan: the release of Manager is not known", fix="give `release: 3.4` or reach Manager"
        )
    return release


class Draft:
    """Spec and facts of a plan in the making."""

    def __init__(self, spec: PoolSpec, fleet: OvmFleet) -> None:
        self.spec, self.fleet = spec, fleet
        self.manager = fleet.manager or ManagerFacts()
        self.release = release_of(spec, fleet)
        self.dialect: Dialect = dialect_of(self.release)
        self._targets = {target.address: target for target in spec.servers}

    def who(self, name: str) -> Who:
        """Everything by which Manager may know a server."""
        facts = self.fleet.servers.get(name)
        uuid = value_of(facts.server_uuid) if facts else None
        hostname = value_of(facts.hostname) if facts else None
        managed = self.managed(name)
        also = [facts.address if facts else "", hostname or "", managed.address if managed else ""]
        words = tuple(dict.fromkeys(word for word in also if word and word != name))
        id_ = managed.id if managed else ""
        return Who(name, str(uuid or id_), words, id_)

    def managed(self, name: str) -> ManagedServer | None:
        """Manager's entry of a server, if it has one."""
        facts = self.fleet.servers.get(name)
        uuid = value_of(facts.server_uuid) if facts else None
        return self.manager.server(uuid=str(uuid) if uuid else None, address=name)

    def is_ours(self, managed: ManagedServer | None) -> bool:
        """Whether this Manager owns it already."""
        own = value_of(self.manager.uuid)
        return bool(managed and own and managed.owner and managed.owner.casefold() == str(own).casefold())

    @property
    def is_sparc(self) -> bool:
        """Whether one of the servers was seen to be a SPARC one."""
        seen = [facts for name in self.spec.server_names if (facts := self.fleet.ovm_server(name))]
        return any("sparc" in (value_of(facts.cpu_type) or "").casefold() for facts in seen)

    def roles(self, name: str) -> tuple[str, ...]:
        """Roles the server shall have."""
        return tuple(sorted(roles_of(self._targets[name].roles or self.spec.pool.roles), reverse=True))

    def all_servers(self) -> list[JsonDict]:
        """Every server as a step wants it, the master first."""
        return [self.who(name).as_args() for name in self.spec.master_first]


def value_of(fact: Fact[T] | None) -> T | None:
    """What a fact tells; None for one that is missing or unknown."""
    return fact.value if fact is not None and fact.is_known else None
