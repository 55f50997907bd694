"""`python -m bench.check_fleet.clients poolwright|asyncssh HOSTS SCRIPT`: one client, measured from outside."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any


async def poolwright(hosts: dict[str, Any], script: str) -> int:
    """As the collector does: keys pinned, one session a server, the batch, and every parser; returns facts known."""
    from datetime import UTC, datetime

    from core.facts.batch import run_batch
    from core.facts.commands import BASE
    from core.platforms.oracle_vm.probes import dom0
    from core.secrets import Secrets
    from core.transports.base import Access, Endpoint
    from core.transports.limits import Limits
    from core.transports.ssh import open_ssh
    from core.transports.trust import TrustStore

    access = Access(TrustStore(None, Path(hosts["known_hosts"])), Secrets(), Limits(connect_s=60.0))

    async def one(port: int) -> int:
        endpoint = Endpoint(f"ovs{port}", "ssh", "127.0.0.1", "127.0.0.1", port, "ssh")
        async with open_ssh(endpoint, user="root", access=access, key_file=hosts["key"]) as session:
            sections = await run_batch(session, BASE, limit_s=120)
        facts = dom0.observe_base(sections, datetime.now(UTC))
        return sum(fact.is_known for fact in facts.values())

    return min(await asyncio.gather(*(one(port) for port in hosts["ports"])))


async def bare_asyncssh(hosts: dict[str, Any], script: str) -> int:
    """The least that asyncssh can do: connect, run, keep the text."""
    import asyncssh

    slots = asyncio.Semaphore(hosts["at_once"])

    async def one(port: int) -> int:
        async with (
            slots,
            asyncssh.connect(
                "127.0.0.1",
                port,
                username="root",
                client_keys=[hosts["key"]],
                known_hosts=hosts["known_hosts"],
                config=None,
                agent_path=None,
                login_timeout=120,
            ) as connection,
        ):
            done = await connection.run(script)
            return str(done.stdout).count("token:end:")

    return min(await asyncio.gather(*(one(port) for port in hosts["ports"])))


def main() -> int:
    hosts = json.loads(Path(sys.argv[2]).read_text())
    run = poolwright if sys.argv[1] == "poolwright" else bare_asyncssh
    found = asyncio.run(run(hosts, Path(sys.argv[3]).read_text()))
    print(f"at least {found} of a server", file=sys.stderr)
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
