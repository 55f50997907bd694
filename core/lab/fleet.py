"""A whole lab: Manager, agents and dom0s on their sockets, and the spec that reaches them; one `async with`."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import asyncssh
from ruamel.yaml import YAML

from core.lab import build
from core.lab.agent.server import AgentServer
from core.lab.dom0.ssh_server import Dom0Server
from core.lab.manager import ManagerServer
from core.lab.operations import world_fingerprint
from core.lab.scenario import Scenario, load_scenario
from core.lab.world import LabServer, World
from core.paths import write_named

AGENT_USER = "oracle"
SSH_USER = "root"
STARTS_AT_ONCE = 16


class Lab:
    """One simulated installation. Enter it to start every socket, leave it to close them all."""

    def __init__(self, world: World, scenario: Scenario, *, name: str = "", host: str = "127.0.0.1") -> None:
        self.world, self.scenario, self.name, self.host = world, scenario, name, host
        self.manager = ManagerServer()
        self.agents = {key: AgentServer(world, server) for key, server in world.servers.items()}
        self.ssh_key = asyncssh.generate_private_key("ssh-ed25519", comment="lab")
        self.dom0s = {key: Dom0Server(world, server, self.ssh_key) for key, server in world.servers.items()}
        self._exit = AsyncExitStack()

    @classmethod
    def from_scenario(
        cls,
        name_or_path: str | Path = "healthy-nfs",
        *,
        servers: int = 3,
        seed: int = 1,
        speed: float = 1.0,
        host: str = "127.0.0.1",
    ) -> Self:
        """A lab as a scenario describes it, not started. `speed`: simulated seconds a real one. Raises LabError."""
        name, scenario = load_scenario(name_or_path)
        world = build.build_world(scenario, servers=servers, seed=seed)
        world.speed = speed
        return cls(world, scenario, name=name, host=host)

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._exit.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exit.aclose()

    @property
    def passwords(self) -> dict[str, str]:
        """The lab's throw-away passwords under the names of core.secrets: manager, agent, ssh."""
        first = self._usual_server()
        return {"manager": self.world.manager_password, "agent": first.password, "ssh": first.ssh_password}

    def snapshot(self) -> dict[str, Any]:
        """The state a rollback must restore, as comparable JSON; ids, jobs, events and times are left out."""
        return world_fingerprint(self.world)

    def spec_data(self) -> dict[str, Any]:
        """The ready spec as plain data: model addresses, `connect` to the real sockets, fingerprints pinned."""
        data: dict[str, Any] = {
            "platform": "oracle_vm",
            "manager": {
                "host": self.world.manager_address,
                "user": self.world.manager_user,
                "connect": f"{self.host}:{self.manager.port}",
                "fingerprint": self.manager.fingerprint,
            },
            "pool": self._pool(),
            "servers": [self._server_entry(server) for server in self.world.servers.values()],
            "ssh": {"user": SSH_USER},
        }
        return _merged(data, self.scenario.spec)

    def spec_yaml(self) -> str:
        """The ready spec as YAML text."""
        from io import StringIO

        text = StringIO()
        yaml = YAML()
        yaml.default_flow_style = False
        yaml.dump(self.spec_data(), text)
        return f"# Made by the lab from scenario {self.name}; it dies with the lab.\n{text.getvalue()}"

    def ready_data(self, spec_path: Path) -> dict[str, Any]:
        """What the ready file holds."""
        passwords = self.passwords
        return {
            "scenario": self.name,
            "expect": self.scenario.expect,
            "because": list(self.scenario.because),
            "spec": str(spec_path),
            "manager": {
                "user": self.world.manager_user,
                "password": passwords["manager"],
                "host": self.host,
                "port": self.manager.port,
                "fingerprint": self.manager.fingerprint,
                "address": self.world.manager_address,
            },
            "agent": {"user": AGENT_USER, "password": passwords["agent"]},
            "ssh": {"user": SSH_USER, "password": passwords["ssh"], "key_file": f"{spec_path}.key"},
            "servers": [
                {
                    "name": server.name,
                    "address": server.address,
                    "agent": _socket(self.host, self.agents[key].port, self.agents[key].fingerprint),
                    "ssh": _socket(self.host, self.dom0s[key].port, self.dom0s[key].fingerprint),
                }
                for key, server in self.world.servers.items()
            ],
            "pid": os.getpid(),
        }

    def write_ready(self, path: Path) -> None:
        """Write spec, SSH key and ready file, each 0600 and whole at once; the ready file last."""
        path = path.absolute()
        spec_path = path.with_name(f"{path.name}.spec.yaml")
        write_named(spec_path, self.spec_yaml())
        write_named(Path(f"{spec_path}.key"), self.ssh_key.export_private_key("openssh").decode())
        write_named(path, json.dumps(self.ready_data(spec_path), indent=2) + "\n")

    async def _start(self) -> None:
        self._exit.push_async_callback(self.manager.close)
        await self.manager.start(self.world, self.host, 0)
        starts: list[Awaitable[None]] = []
        servers: list[AgentServer | Dom0Server] = [*self.agents.values(), *self.dom0s.values()]
        for server in servers:
            self._exit.push_async_callback(server.close)
            starts.append(server.start(self.host, 0))
        await _bounded(starts)

    def _usual_server(self) -> LabServer:
        """A server with the fleet's usual passwords: most servers share one, a scenario may change a few."""
        servers = list(self.world.servers.values())
        return max(servers, key=lambda item: sum(other.password == item.password for other in servers))

    def _pool(self) -> dict[str, Any]:
        wish = self.scenario.pool
        pool: dict[str, Any] = {"name": wish.name, "clustered": wish.clustered}
        if wish.virtual_ip:
            pool["virtual_ip"] = wish.virtual_ip
        if wish.description:
            pool["description"] = wish.description
        if not wish.clustered:
            return pool
        pool["timeout_s"] = wish.timeout_s
        if wish.file_system == "nfs":
            pool["file_system"] = {"kind": "nfs", "server": build.NAS, "export": build.POOLFS_EXPORT}
        elif wish.file_system == "lun":
            pool["file_system"] = self._lun()
        return pool

    def _lun(self) -> dict[str, Any]:
        lun = next((item for item in self.world.luns.values() if item.local_to is None), None)
        wwid = lun.page83 if lun is not None else "360a98000000000000000000000000001"
        transport = lun.transport if lun is not None else "fc"
        data = {"kind": "lun", "transport": transport, "wwid": wwid}
        return {**data, "access_host": "198.51.100.241"} if transport == "iscsi" else data

    def _server_entry(self, server: LabServer) -> dict[str, Any]:
        agent, dom0 = self.agents[server.name], self.dom0s[server.name]
        return {
            "address": server.address,
            "connect": {"agent": f"{self.host}:{agent.port}", "ssh": f"{self.host}:{dom0.port}"},
            "fingerprints": {"agent": agent.fingerprint, "ssh": dom0.fingerprint},
        }


def _socket(host: str, port: int, fingerprint: str) -> dict[str, Any]:
    return {"host": host, "port": port, "fingerprint": fingerprint}


async def _bounded(starts: Iterable[Awaitable[None]]) -> None:
    slots = asyncio.Semaphore(STARTS_AT_ONCE)

    async def one(start: Awaitable[None]) -> None:
        async with slots:
            await start

    async with asyncio.TaskGroup() as group:
        for start in starts:
            group.create_task(one(start))


def _merged(data: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    result = dict(data)
    for key, value in more.items():
        both_dicts = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = _merged(result[key], value) if both_dicts else value
    return result
