"""Read-only client of the agent: XML-RPC over pinned HTTPS, methods by allow-list."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from core.errors import BadReply, CommandFailed, LoginRefused, SecretError
from core.models.facts import CertificateFact
from core.platforms.oracle_vm.agent_rpc.documents import parse_document
from core.platforms.oracle_vm.agent_rpc.marshal import FaultReply, dump_call, load_reply
from core.text import inert
from core.transports.base import Access, Endpoint
from core.transports.tls import HttpReply, HttpsClient

if TYPE_CHECKING:
    from core.transports.jump import Jump

READ_ONLY: frozenset[str] = frozenset(  # agent-rpc 4
    [
        "echo",
        "get_api_version",
        "discover_server",
        "discover_hardware",
        "discover_server_pool",
        "discover_pool_filesystem",
        "discover_network",
        "discover_cluster",
        "is_cluster_online",
        "discover_mounted_file_systems",
        "discover_physical_luns",
        "discover_storage_plugins",
        "discover_repository_db",
        "discover_repositories",
        "get_last_boot_time",
        "get_datetime",
        "get_timezone",
        "get_ntp",
        "list_vms",
        "list_vm",
        "get_vm_config",
        "get_system_disk_space",
    ]
)
SLOW: frozenset[str] = frozenset(  # these wait for storage; the others tell what the agent knows already
    ["discover_physical_luns", "discover_storage_plugins", "discover_repositories", "discover_hardware"]
)
PATHS = ("/RPC2", "/", "/api/3/")  # agent-rpc 1: not significant as far as seen; the next one is tried on 404
_SECRET = "agent"  # noqa: S105 - its name in access.secrets


class AgentClient:
    """Calls to one server's agent. The password is access.secrets' `agent`; it is tried once per server and run."""

    def __init__(
        self, endpoint: Endpoint, access: Access, user: str = "oracle", jump: Jump | None = None
    ) -> None:
        self.endpoint = endpoint
        self._access = access
        self._user = user
        self._https = HttpsClient(endpoint, access, jump)
        self._path = PATHS[0]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Old TLS or plain http in use; filled by the first call."""
        return self._https.warnings

    @property
    def certificate(self) -> CertificateFact | None:
        """The certificate of the last connection, None before the first one and over plain http."""
        shown = self._https.certificate
        if shown is None:
            return None
        return CertificateFact(
            algorithm=shown.shown.algorithm,
            bits=shown.bits,
            not_before=shown.not_before,
            not_after=shown.not_after,
            tls_version=self._https.version,
        )

    async def call(self, method: str, *args: Any) -> Any:
        """One read-only call; the unmarshalled value (str, int, bool, list, dict, None).

        Raises ValueError for a method that is not on READ_ONLY, before a byte is sent; LoginRefused (HTTP 403, never
        sent again), CommandFailed (a fault: its message), CommandTimeout, ConnectFailed, BadReply, TrustError.
        """
        if method not in READ_ONLY:
            raise ValueError(f"{method!r} is not among the agent's calls that only read")
        reply = await self._authorized(method, dump_call(method, args))
        try:
            value = load_reply(reply.body)
        except ValueError as error:
            raise self._bad(method, str(error)) from error
        if isinstance(value, FaultReply):
            raise CommandFailed(
                self.endpoint.server, self.endpoint.plane, method, self._access.safe(value.message, 2000)
            )
        return value

    async def document(self, method: str, *args: Any) -> dict[str, Any]:
        """Call a discover_* method and parse its document (documents.parse_document); {} for nil. BadReply when it
        sends no such document."""
        value = await self.call(method, *args)
        if value is not None and not isinstance(value, str):
            raise self._bad(method, "no document")
        try:
            return parse_document(method, value)
        except ValueError as error:
            raise self._bad(method, str(error)) from error

    async def _authorized(self, method: str, body: bytes) -> HttpReply:
        """Post with the password unasked; a refused one is remembered and not sent to this server again."""
        endpoint, logins = self.endpoint, self._access.logins
        password = self._access.secrets.get(_SECRET)
        if password is None:
            raise SecretError(
                f"cannot call {endpoint.server} ({endpoint.plane}): no agent password was given"
            )
        key = logins.key(endpoint.plane, endpoint.host, endpoint.port, self._user, password)
        async with logins.trying(key):
            if (why := logins.refusal(key)) is not None:
                raise self._refused(why)
            reply = await self._post(method, body, self._headers(password))
            if reply.status in (401, 403):
                logins.refuse(key, f"{reply.reason or 'refused'} (it was not tried again)")
                raise self._refused(f"HTTP {reply.status} {reply.reason}".strip())
            if reply.status != 200:
                raise self._bad(method, f"HTTP {reply.status} {reply.reason}".strip())
            logins.prove(key)
        return reply

    async def _post(self, method: str, body: bytes, headers: dict[str, str]) -> HttpReply:
        """Post to the path that works; 404 alone moves on to the next one."""
        paths = (self._path, *(path for path in PATHS if path != self._path))
        reply = HttpReply(404, "", {}, b"")
        for path in paths:
            reply = await self._https.request(
                "POST", path, headers=headers, body=body, limit_s=self._limit_s(method)
            )
            if reply.status != 404:
                self._path = path
                break
        return reply

    def _headers(self, password: str) -> dict[str, str]:
        token = base64.b64encode(f"{self._user}:{password}".encode()).decode("ascii")
        return {"Authorization": f"Basic {token}", "Content-Type": "text/xml", "User-Agent": "poolwright"}

    def _limit_s(self, method: str) -> float:
        limits = self._access.limits
        if method in SLOW:
            return limits.agent_discover_s
        return limits.agent_discover_s / 2 if method.startswith("discover_") else limits.agent_read_s

    def _refused(self, reason: str) -> LoginRefused:
        return LoginRefused(
            self.endpoint.server,
            self.endpoint.plane,
            f"cannot log in to {self.endpoint.server} ({self.endpoint.plane}) as {inert(self._user, 64)}: {reason}",
            fix="check the agent password; an agent that a Manager owns may refuse even the right one",
        )

    def _bad(self, method: str, what: str) -> BadReply:
        return BadReply(
            self.endpoint.server,
            self.endpoint.plane,
            f"cannot read the answer of {self.endpoint.server} ({self.endpoint.plane}) to {method}: {what}",
        )
