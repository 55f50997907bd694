"""Scenario files: what a lab shall look like, read from TOML and checked. They hold no sockets and no state."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core import files
from core.errors import LabError
from core.files import FileError
from core.lab.world import LabCpu, LabInterface, LabServer, Switches

MAX_BYTES = 1024 * 1024
SCENARIOS = Path(__file__).parent / "scenarios"
CPUS = Path(__file__).parent / "cpus"
SETTABLE = frozenset(item.name for item in fields(LabServer)) - {
    "cpu",
    "faults",
    "uuid",
    "interfaces",
    "before_ownership",
}

CPU_FIELDS = frozenset(item.name for item in fields(LabCpu))
INTERFACE_FIELDS = frozenset(item.name for item in fields(LabInterface)) - {"name"}


class Strict(BaseModel):
    """A part of a scenario: an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ServerChange(Strict):
    """How one server (number from 1, negative from the end) or all differ from a fresh installation.

    `owner` is `this` Manager, `other` Manager or none; `set` writes fields of LabServer as they are.
    """

    at: int | Literal["all"] = "all"
    cpu: str | None = None
    release: str | None = None
    owner: Literal["this", "other", "none"] | None = None
    is_known: bool | None = None
    other_agent_password: bool = False
    other_ssh_password: bool = False
    same_uuid_as: int | None = None
    hostname_on_loopback: bool = False
    faults: tuple[str, ...] = ()
    cpu_set: dict[str, Any] = {}  # fields of LabCpu
    interfaces: dict[str, dict[str, Any]] = {}  # device -> fields of LabInterface
    set: dict[str, Any] = {}


class ObjectWish(Strict):
    """An object that Manager has from the beginning: a left-over pool, a job at work, an open event."""

    type: str
    name: str
    attrs: dict[str, Any] = {}


class Storage(Strict):
    """What lies on the shared storage, and who sees it (server numbers from 1; empty = all)."""

    poolfs_gib: int = Field(default=12, ge=1)
    lun_transport: Literal["fc", "iscsi"] = "fc"
    export_files: tuple[str, ...] = ()
    export_seen_by: tuple[int, ...] = ()
    export_is_writable: bool = True
    export_squashes_root: bool = False
    nas_versions: tuple[int, ...] = (3, 4)
    nas_is_up: bool = True
    lun_content: str = ""
    lun_cluster: str = ""
    lun_seen_by: tuple[int, ...] = ()
    paths: int = 4


class PoolWish(Strict):
    """What the ready spec asks for."""

    name: str = "pool1"
    virtual_ip: str = "203.0.113.10"  # empty: none
    clustered: bool = True
    timeout_s: int = 120
    file_system: Literal["nfs", "lun"] | None = "nfs"
    description: str = ""


class DeadPool(Strict):
    """What an earlier failure left (server numbers from 1), see core/lab/dead_pool.py."""

    name: str = "pool0"
    is_listed: bool = False  # Manager still has the object
    joined: tuple[int, ...] = ()  # still members of it
    owned: tuple[int, ...] = ()  # owned by this Manager, in no pool
    agent_db: tuple[int, ...] = ()  # the agent's data base names it
    clusters: tuple[int, ...] = ()  # cluster.conf names its cluster
    vip_on: int = 0  # which server still carries the virtual IP, 0 = none
    has_pool_fs: bool = False  # its file system lies on the export


class Scenario(Strict):
    """One scenario file. `expect` and `because` say how poolwright should answer; tests hold them to it."""

    title: str
    expect: Literal["created", "created_unverified", "refused", "rolled_back", "needs_human"]
    because: tuple[str, ...] = ()
    release: Literal["3.2", "3.3", "3.4"] = "3.4"
    platform: Literal["x86", "sparc"] = "x86"
    min_servers: int = Field(default=1, ge=1)
    vip_answers_arp: bool = False
    pool: PoolWish = PoolWish()
    storage: Storage = Storage()
    dead_pool: DeadPool | None = None
    servers: tuple[ServerChange, ...] = ()
    objects: tuple[ObjectWish, ...] = ()
    switches: dict[str, Any] = {}
    latency_s: dict[str, float] = {}
    faults: dict[str, dict[str, Any]] = {}
    spec: dict[str, Any] = {}  # merged into the ready spec


def scenario_names() -> list[str]:
    """Scenarios that ship with poolwright, by name."""
    return sorted(path.stem for path in SCENARIOS.glob("*.toml"))


def load_scenario(name_or_path: str | Path) -> tuple[str, Scenario]:
    """A scenario by name, or from a file; returns its name too. Raises LabError."""
    path = Path(name_or_path)
    if path.suffix != ".toml":
        path = SCENARIOS / f"{name_or_path}.toml"
    if path.parent == SCENARIOS and not path.is_file():
        known = ", ".join(scenario_names())
        raise LabError(
            f"cannot start the lab: there is no scenario {str(name_or_path)!r}", fix=f"one of {known}"
        )
    try:
        scenario = Scenario.model_validate(files.read_toml(path, MAX_BYTES))
    except FileError as error:
        raise LabError(error.message, fix=error.fix or "mend the TOML") from error
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise LabError(
            f"cannot use {path.name}: {said}", fix="see the comments in core/lab/scenarios"
        ) from error
    _check_names(path.name, scenario)
    return path.stem, scenario


def servers_of(scenario: str, wanted: int | None) -> int:
    """How many servers to simulate: as wanted, else three or what the scenario needs. Raises LabError."""
    return wanted if wanted is not None else max(3, load_scenario(scenario)[1].min_servers)


def load_cpu(name: str) -> dict[str, Any]:
    """A CPU profile's values. Raises LabError."""
    path = CPUS / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(item.stem for item in CPUS.glob("*.toml")))
        raise LabError(f"cannot build the lab: there is no CPU profile {name!r}", fix=f"one of {known}")
    return tomllib.loads(path.read_text())


def _check_names(file: str, scenario: Scenario) -> None:
    switches = {item.name for item in fields(Switches)}
    unknown = [name for name in scenario.switches if name not in switches]
    unknown += [name for change in scenario.servers for name in change.set if name not in SETTABLE]
    unknown += [name for change in scenario.servers for name in change.cpu_set if name not in CPU_FIELDS]
    devices = [device for change in scenario.servers for device in change.interfaces.values()]
    unknown += [name for device in devices for name in device if name not in INTERFACE_FIELDS]
    if unknown:
        raise LabError(
            f"cannot use {file}: unknown {', '.join(unknown)}", fix="see core/lab/world.py for the words"
        )
