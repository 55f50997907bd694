"""Looks at real servers exactly as poolwright does: pins their keys, logs in, collects, asks every check."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core.checks.runner import run_checks
from core.models.facts import PlaneState
from core.models.results import CheckResult, Verdict
from core.platforms.oracle_vm import endpoints
from core.platforms.oracle_vm.facts import OvmFleet, OvmServerFacts
from core.platforms.oracle_vm.platform import PLATFORM
from core.platforms.oracle_vm.spec import PoolSpec
from core.secrets import Secrets
from core.transports.base import Access
from core.transports.limits import Limits
from core.transports.ssh import SshSession, open_ssh
from core.transports.trust import TrustStore, see

NOWHERE = "127.0.0.1:1"  # nothing listens there: these servers have neither agent nor Manager
QUICK = Limits(connect_s=20.0, manager_login_s=5.0)
SLOW = Limits(  # emulated machines on a machine that has other work to do
    connect_s=60.0, ssh_command_s=120.0, manager_login_s=5.0, server_total_s=900.0
)


@dataclass(frozen=True, slots=True)
class Reached:
    """A server as the operator names it, and the local port that leads to its SSH."""

    address: str
    port: int


def spec_of(
    servers: Sequence[Reached], key_file: Path, *, vip: str, file_system: Mapping[str, Any]
) -> PoolSpec:
    """The spec of a clustered pool over these servers."""
    return PoolSpec.model_validate(
        {
            "platform": "oracle_vm",
            "release": "3.4",
            "manager": {"host": "198.51.100.9", "connect": NOWHERE},
            "ssh": {"user": "root", "key_file": str(key_file)},
            "servers": [
                {"address": one.address, "connect": {"ssh": f"127.0.0.1:{one.port}", "agent": NOWHERE}}
                for one in servers
            ],
            "pool": {"name": "lab", "virtual_ip": vip, "clustered": True, "file_system": dict(file_system)},
        }
    )


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen and judged."""

    spec: PoolSpec
    fleet: OvmFleet
    results: tuple[CheckResult, ...]

    def facts(self, server: str) -> OvmServerFacts:
        found = self.fleet.ovm_server(server)
        assert found is not None
        return found

    def hits(self, *prefixes: str) -> dict[str, CheckResult]:
        """`id` or `id@server` -> result of everything that warns or fails, of these ids (beginnings count)."""
        return {
            one.id if one.target in ("pool", "manager") else f"{one.id}@{one.target}": one
            for one in self.results
            if one.verdict in (Verdict.WARN, Verdict.FAIL) and (not prefixes or one.id.startswith(prefixes))
        }

    def verdict(self, id_: str, target: str = "pool") -> Verdict:
        return next(one.verdict for one in self.results if (one.id, one.target) == (id_, target))

    def detail(self, id_: str, target: str = "pool") -> str:
        return next(one.detail for one in self.results if (one.id, one.target) == (id_, target))


async def access_to(spec: PoolSpec, limits: Limits = SLOW) -> Access:
    """Access with the servers' own keys pinned, as after the operator's confirmation."""
    access = Access(TrustStore(None), Secrets({"manager": "x", "agent": "x"}), limits)
    wanted = [endpoints.ssh_endpoint(spec, target) for target in spec.servers]
    access.trust.add(await see([one for one in wanted if one is not None], access))
    return access


async def look(spec: PoolSpec, limits: Limits = QUICK, *, intrusive: bool = False) -> Look:
    """Collect and judge; every server's own SSH must have been read. `intrusive` as in `check --intrusive`."""
    fleet = await PLATFORM.collect(spec, await access_to(spec, limits), intrusive=intrusive)
    assert isinstance(fleet, OvmFleet)
    for name in spec.server_names:
        plane = fleet.servers[name].plane("ssh")
        assert plane.state is PlaneState.OK, f"{name}: {plane.reason}"
    context = PLATFORM.context(spec, fleet, datetime.now(UTC))
    return Look(spec, fleet, await run_checks(PLATFORM.checks, context))


@asynccontextmanager
async def sessions_to(spec: PoolSpec, limits: Limits = SLOW) -> AsyncIterator[dict[str, SshSession]]:
    """One open session a server."""
    access = await access_to(spec, limits)
    assert spec.ssh is not None
    async with AsyncExitStack() as stack:
        found = {}
        for target in spec.servers:
            endpoint = endpoints.ssh_endpoint(spec, target)
            assert endpoint is not None
            found[target.address] = await stack.enter_async_context(
                open_ssh(endpoint, user=spec.ssh.user, access=access, key_file=spec.ssh.key_file)
            )
        yield found
