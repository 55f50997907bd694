"""Oracle VM's part of the spec: Manager, agent, pool. Shape only; the rules are this platform's input checks.

Sources: manager-cli 3.5, server-pools 2a and 2c of the fact sheets, named per field by rule id.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer
from typing_extensions import override

from core.models.addresses import ExportPath, Fingerprint, Host, Tunnel
from core.models.base import Frozen
from core.models.scalars import Whole, WholeOrNone, YesNo
from core.models.spec import BaseSpec, meta

KEYMAPS = (
    "en-us", "ar", "da", "de", "de-ch", "en-gb", "es", "et", "fi", "fo", "fr", "fr-be", "fr-ca", "fr-ch", "hr", "hu",
    "is", "it", "ja", "lt", "lv", "mk", "nl", "nl-be", "No", "pl", "pt", "pt-br", "ru", "sl", "sv", "th", "tr",
)  # fmt: skip


class Release(StrEnum):
    """Releases of Oracle VM whose dialects we speak."""

    R32 = "3.2"
    R33 = "3.3"
    R34 = "3.4"


def _as_text(value: object) -> object:
    """YAML reads an unquoted 3.4 as a number; people mean the release."""
    return str(value) if isinstance(value, float) else value


def _or_number(schema: dict[str, Any]) -> None:
    """The same in the JSON Schema."""
    schema["anyOf"].append({"enum": [float(release) for release in Release]})


class StartPolicy(StrEnum):
    """Where a guest starts (VM Start Policy)."""

    CURRENT_SERVER = "CURRENT_SERVER"
    BEST_SERVER = "BEST_SERVER"
    BALANCE_SERVER = "BALANCE_SERVER"


class PolicyMode(StrEnum):
    """Pool policy: off, spread load (DRS) or pack load and power down (DPM)."""

    OFF = "OFF"
    DRS = "DRS"
    DPM = "DPM"


class ManagerSpec(Frozen):
    """Oracle VM Manager and its command line interface."""

    host: Host = Field(title="Manager", description="address or name of Oracle VM Manager")
    port: Whole = Field(default=10000, ge=1, le=65535, title="CLI port", description="TCP port of its SSH")
    user: str = Field(
        default="admin", title="Manager user", description="a Manager account, not a system account"
    )
    sessions: Whole = Field(
        default=1,
        ge=1,
        le=8,
        title="Sessions",
        description="work sessions; more than one discovers side by side",
    )
    connect: Tunnel | None = Field(
        default=None,
        title="Tunnel",
        description="host:port to really connect to",
        json_schema_extra=meta(advanced=True),
    )
    fingerprint: Fingerprint | None = Field(
        default=None, title="Fingerprint", description="SHA256:... of its host key, confirmed beforehand"
    )


def _with_kind(schema: dict[str, Any]) -> None:
    """The JSON Schema of a variant says that its kind is named."""
    schema["required"] = ["kind", *schema.get("required", ())]


class _Kinded(Frozen):
    """Base of the variants of a choice: the kind is written even where everything default is left out, and read."""

    model_config = ConfigDict(json_schema_extra=_with_kind)

    @model_serializer(mode="wrap")
    def _with_kind(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {"kind": getattr(self, "kind", ""), **handler(self)}


class NfsFileSystem(_Kinded):
    """Pool file system on an NFS export."""

    kind: Literal["nfs"] = "nfs"
    server: Host = Field(title="NFS server", description="address or name as every server reaches it")
    export: ExportPath = Field(
        title="Export", description="exported path, dedicated to this pool, 10 GB or more"
    )
    uniform: YesNo = Field(
        default=True, title="Uniform exports", description="all servers see the same exports"
    )


class LunFileSystem(_Kinded):
    """Pool file system on a shared LUN."""

    kind: Literal["lun"] = "lun"
    transport: Literal["fc", "iscsi"] = Field(
        default="fc", title="Transport", description="how servers reach the LUN"
    )
    wwid: str = Field(title="WWID", description="SCSI page 0x83 identifier of the LUN, 10 GB or more")
    access_host: str | None = Field(
        default=None, title="iSCSI portal", description="address of the portal (iSCSI)"
    )
    access_port: Whole = Field(
        default=3260, ge=1, le=65535, title="iSCSI port", description="TCP port of the portal"
    )
    chap_user: str | None = Field(
        default=None, title="CHAP user", description="CHAP login; its password is asked for"
    )
    array: str | None = Field(
        default=None,
        title="Array",
        description="name of the storage array in Manager; empty takes the built-in one",
    )


PoolFileSystem = Annotated[NfsFileSystem | LunFileSystem, Field(discriminator="kind")]


class Policy(Frozen):
    """DRS or DPM policy of the pool."""

    mode: PolicyMode = Field(default=PolicyMode.OFF, title="Policy", description="OFF, DRS or DPM")
    cpu_threshold_pct: WholeOrNone = Field(
        default=None,
        title="CPU threshold",
        description="load above which the policy acts",
        json_schema_extra=meta(unit="%", rule="R111"),
    )
    period_min: WholeOrNone = Field(
        default=None,
        title="Policy period",
        description="time between two runs of the policy",
        json_schema_extra=meta(unit="min", rule="R111"),
    )


class PoolSettings(Frozen):
    """The pool as it shall be."""

    name: str = Field(
        title="Pool name",
        description="letters, digits, - and _ work everywhere",
        json_schema_extra=meta(rule="R095"),
    )
    virtual_ip: str | None = Field(
        default=None,
        title="Virtual IP",
        description="an unused address in the servers' management subnet; required before 3.4",
        json_schema_extra=meta(rule="R010 R011 R012 R013"),
    )
    keymap: str = Field(
        default="en-us",
        title="Console keymap",
        description="keyboard of the guests' consoles",
        json_schema_extra=meta(rule="R097", choices=KEYMAPS),
    )
    start_policy: StartPolicy = Field(
        default=StartPolicy.CURRENT_SERVER,
        title="Start policy",
        description="on which server a guest starts; BALANCE_SERVER needs 3.4",
        json_schema_extra=meta(rule="R098"),
    )
    secure_migration: YesNo = Field(
        default=False,
        title="Secure migration",
        description="encrypt live migration (slower)",
        json_schema_extra=meta(rule="R080"),
    )
    description: str = Field(
        default="",
        title="Description",
        description="up to 4000 characters",
        json_schema_extra=meta(rule="R099"),
    )
    clustered: YesNo = Field(
        default=True,
        title="Clustered",
        description="needed for HA and for repositories on LUNs; needs a pool file system",
        json_schema_extra=meta(rule="R021"),
    )
    timeout_s: Whole = Field(
        default=120,
        title="Cluster timeout",
        description="30 to 300; longer than the longest failover of the storage; SPARC ignores it",
        json_schema_extra=meta(unit="s", rule="R044 R045 R129"),
    )
    file_system: PoolFileSystem | None = Field(
        default=None,
        title="Pool file system",
        description="dedicated NFS export or LUN, 10 GB or more; SPARC: NFS only",
        json_schema_extra=meta(rule="R021 R041 R042 R124"),
    )
    policy: Policy = Field(default=Policy(), title="Policy", description="DRS or DPM")
    roles: tuple[str, ...] = Field(
        default=("vm", "utility"),
        title="Roles",
        description="roles of the servers: vm runs guests, utility does storage work",
        json_schema_extra=meta(rule="R063"),
    )
    master: str | None = Field(
        default=None, title="Master", description="server that becomes master; empty takes the first"
    )


class AgentAccess(Frozen):
    """The agent on the servers. Other values than the defaults exist only on 3.2."""

    user: str = Field(default="oracle", title="Agent user", description="always oracle since 3.3")
    port: Whole = Field(default=8899, ge=1, le=65535, title="Agent port", description="always 8899 since 3.3")


class PoolSpec(BaseSpec):
    """Everything needed to make one Oracle VM server pool, except the secrets."""

    platform: Literal["oracle_vm"] = Field(default="oracle_vm", title="Platform", description="Oracle VM 3.x")
    release: Annotated[Release | None, BeforeValidator(_as_text)] = Field(
        default=None,
        title="Release",
        description="3.2, 3.3 or 3.4; detected when Manager can be reached",
        json_schema_extra=_or_number,
    )
    manager: ManagerSpec = Field(title="Manager", description="Oracle VM Manager")
    pool: PoolSettings = Field(title="Pool", description="the pool as it shall be")
    agent: AgentAccess = Field(
        default=AgentAccess(), title="Agent", description="Oracle VM Agent on the servers"
    )

    @property
    @override
    def pool_name(self) -> str:
        return self.pool.name

    @property
    def master_first(self) -> tuple[str, ...]:
        """Servers in the order they join: the first becomes master (manager-cli 3.6)."""
        names = self.server_names
        if self.pool.master in names:
            return (self.pool.master, *(name for name in names if name != self.pool.master))
        return names
