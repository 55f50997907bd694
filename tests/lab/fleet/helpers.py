"""What the fleet's tests share: an XML-RPC client in a thread, raw HTTP, one lab a test."""

from __future__ import annotations

import asyncio
import base64
import ssl
import xml.etree.ElementTree as ET
import xmlrpc.client
from collections.abc import Callable
from typing import Any

import asyncssh

from core.lab.fleet import Lab

MANAGER = "0004fb0000010000a1b2c3d4e5f60718"
OWNERSHIP = {
    "manager_uuid": MANAGER,
    "manager_event_url": "https://203.0.113.250:7002/event",
    "manager_statistic_url": "https://203.0.113.250:7002/stats",
    "manager_certificate": "None",
    "signed_server_certificate": "None",
}


def trusting() -> ssl.SSLContext:
    """A client context that takes any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Agent:
    """Calls of one agent of a lab through the standard XML-RPC client."""

    def __init__(
        self, lab: Lab, name: str = "ovs01", *, password: str | None = None, path: str = "/RPC2"
    ) -> None:
        server = lab.agents[name]
        secret = password or lab.world.servers[name].password
        scheme = "http" if lab.world.switches.plain_http else "https"
        self.url = f"{scheme}://oracle:{secret}@127.0.0.1:{server.port}{path}"

    async def __call__(self, method: str, *args: Any) -> Any:
        def call() -> Any:
            context = trusting() if self.url.startswith("https") else None
            with xmlrpc.client.ServerProxy(self.url, allow_none=True, context=context) as proxy:
                return getattr(proxy, method)(*args)

        return await asyncio.to_thread(call)

    async def document(self, method: str, *args: Any) -> ET.Element:
        """A discover_* document, parsed."""
        return ET.fromstring(await self(method, *args))


async def raw(lab: Lab, data: bytes, name: str = "ovs01") -> bytes:
    """Everything the agent answers to these bytes over TLS until it closes."""
    context = None if lab.world.switches.plain_http else trusting()
    reader, writer = await asyncio.open_connection("127.0.0.1", lab.agents[name].port, ssl=context)
    writer.write(data)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


def basic(lab: Lab, password: str | None = None) -> str:
    """The Authorization header of the lab's agents."""
    text = base64.b64encode(f"oracle:{password or lab.passwords['agent']}".encode()).decode()
    return f"Authorization: Basic {text}\r\n"


def paths(root: ET.Element) -> set[str]:
    """Every element path of a document, without indices."""
    found: set[str] = set()

    def walk(item: ET.Element, prefix: str) -> None:
        path = f"{prefix}/{item.tag}"
        found.add(path)
        for child in item:
            walk(child, path)

    walk(root, "")
    return found


async def run(lab: Lab, command: str, name: str = "ovs01") -> asyncssh.SSHCompletedProcess:
    """One command on a dom0 through a fresh connection."""
    async with asyncssh.connect(
        "127.0.0.1",
        lab.dom0s[name].port,
        username="root",
        password=lab.passwords["ssh"],
        known_hosts=None,
        config=None,
        client_keys=None,
        agent_path=None,
    ) as connection:
        return await connection.run(command)


async def until(claim: Callable[[], bool], limit_s: float = 5.0) -> None:
    """Return once the claim holds; TimeoutError when it never does."""
    async with asyncio.timeout(limit_s):
        while not claim():  # noqa: ASYNC110 - the state of a socket has no event to wait for
            await asyncio.sleep(0.01)
