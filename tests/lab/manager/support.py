"""A small world and a conversation with its Manager, without sockets where a test needs none."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from core.lab.manager.adopt import settle
from core.lab.manager.engine import Engine
from core.lab.manager.interpreter import Conversation
from core.lab.world import LabExport, LabInterface, LabLun, LabNas, LabServer, World

AGENT_PASSWORD = "agent-pass"
MANAGER_PASSWORD = "Manager-1"
VIP = "203.0.113.100"
FS_ID = "0004fb00000500001111111111111111"
FS_UUID = "b8ca41cb-3469-4f74-a086-dddffe37dc2d"
LUN_ID = "0004fb00001800001111111111111111"
WWID = "3600601601110190080a4f954c48de311"
EXPORT = "/export/poolfs"
_SERVER_RELEASE = {"3.2": "3.2.11-775", "3.3": "3.3.4-1085", "3.4": "3.4.6-2105"}


def make_server(number: int, release: str = "3.4") -> LabServer:
    address = f"203.0.113.{number}"
    mac = f"00:21:F6:00:00:{number:02X}"
    return LabServer(
        name=f"ovs{number}",
        address=address,
        uuid=":".join(f"{(number * 17 + byte) % 256:02x}" for byte in range(16)),
        release=_SERVER_RELEASE[release],
        password=AGENT_PASSWORD,
        ntp_servers=("127.127.1.0",),
        initiator=f"iqn.1988-12.com.oracle:{number:012x}",
        interfaces=[
            LabInterface("eth0", "nic", mac),
            LabInterface("bond0", "bond", mac, address=address, ports=("eth0",)),
        ],
    )


def make_world(release: str = "3.4", servers: int = 3, *, speed: float = 20000.0) -> World:
    world = World(release=release)
    world.manager_password, world.speed = MANAGER_PASSWORD, speed
    for number in range(1, servers + 1):
        world.servers[f"ovs{number}"] = make_server(number, release)
    world.nas["nas1"] = LabNas("nas1", "203.0.113.200", [LabExport(EXPORT, FS_UUID, FS_ID)])
    world.luns[LUN_ID] = LabLun(LUN_ID, "LAB (1)", WWID, 12 * 2**30)
    for number in range(1, servers + 1):
        key = f"0004fb0000180000{number:016x}"
        world.luns[key] = LabLun(
            key, f"3500{number}", f"3500{number:012x}", 2**30, "local", local_to=f"ovs{number}"
        )
    return world


@dataclass
class Cli:
    """One session with a Manager's interpreter; replies come with LF line ends."""

    world: World
    engine: Engine = field(init=False)
    talk: Conversation = field(init=False)

    def __post_init__(self) -> None:
        settle(self.world)
        self.engine = Engine(self.world)
        self.talk = Conversation(self.engine, "admin")

    def another(self) -> Conversation:
        """A second session with the same Manager."""
        return Conversation(self.engine, "admin")

    async def ask(self, line: str) -> str:
        self.talk.number += 1
        return (await self.talk.answer(line)).replace("\r", "")

    async def ok(self, line: str) -> list[tuple[str, str]]:
        """Must succeed; the id/name pairs of its data."""
        text = await self.ask(line)
        assert "Status: Success" in text, text
        return re.findall(r"^  id:(.*?)  name:(.*)$", text, re.MULTILINE)

    async def fails(self, line: str) -> str:
        """Must fail; the error text."""
        text = await self.ask(line)
        assert "Status: Failure" in text, text
        return text.split("Error Msg: ", 1)[1]

    async def show(self, type_: str, name: str) -> dict[str, str]:
        text = await self.ask(f"show {type_} {name if '=' in name else f'name={name}'}")
        assert "Status: Success" in text, text
        return dict(
            line[2:].split(" = ", 1) for line in text.splitlines() if line.startswith("  ") and " = " in line
        )

    async def discover(self, number: int) -> None:
        login = "port=8899 username=oracle " if self.world.release == "3.2" else ""
        await self.ok(
            f"discoverServer ipAddress=203.0.113.{number} {login}password={AGENT_PASSWORD} takeOwnership=yes"
        )

    async def own(self, *numbers: int) -> None:
        for number in numbers:
            await self.discover(number)

    async def nfs(self) -> str:
        """A refreshed file system through ovs1; its id."""
        if self.world.release == "3.2":
            await self.ok(
                'create FileServer name=fs plugin="Oracle Generic Network File System" accessHost=nas1'
            )
            await self.ok("add Server name=ovs1 to FileServer name=fs")
            await self.ok("addNfsRefreshServer FileServer name=fs nfsRefreshServer=ovs1")
        else:
            await self.ok(
                'create FileServer name=fs plugin="Oracle Generic Network File System" accessHost=nas1 '
                "adminServers=ovs1 refreshServers=ovs1"
            )
        await self.ok("refresh FileServer name=fs")
        key = next(key for key, name in await self.ok("list FileSystem") if name == f"nfs:{EXPORT}")
        await self.ok(f"refresh FileSystem id={key}")
        return key

    async def lun(self, *numbers: int) -> str:
        """The shared LUN, refreshed through these servers; its id."""
        word = "SanServer" if self.world.release == "3.2" else "StorageArray"
        array = "'Unmanaged FibreChannel Storage Array'"
        for number in numbers:
            if self.world.release == "3.2":
                await self.ok(f"add Server name=ovs{number} to SanServer name={array}")
            else:
                await self.ok(f"addAdminServer StorageArray name={array} server=ovs{number}")
        await self.ok(f"validate {word} name={array}")
        await self.ok(f"refresh {word} name={array}")
        await self.ok(f"refreshStorageLayer Server name=ovs{numbers[0]}")
        await self.ok(f"refresh PhysicalDisk id={LUN_ID}")
        return LUN_ID

    async def pool(self, storage: str = "", name: str = "p1", **more: Any) -> str:
        """A pool object without servers; its id."""
        clustered = "Yes" if storage else "No"
        extra = "".join(f" {key}={value}" for key, value in more.items())
        line = f"create ServerPool clusterEnable={clustered} {storage} virtualIP={VIP} name={name}{extra}"
        return (await self.ok(line))[0][0]

    async def add(self, number: int, pool: str = "p1") -> None:
        await self.ok(f"add Server name=ovs{number} to ServerPool name={pool}")

    async def close(self) -> None:
        await self.engine.close()
