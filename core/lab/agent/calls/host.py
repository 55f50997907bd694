"""The host itself: identity, clock, NTP, logs (agent-rpc 4.7)."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.lab import view
from core.lab.agent import documents
from core.lab.agent.calls.base import TYPE_ERROR, Call, agent_call
from core.lab.agent.rpc import Long
from core.lab.operations import CallRefusedError

LOGS = ("ovs-agent", "messages", "xend", "dmesg")


@agent_call
def discover_server(call: Call) -> str | None:
    return call.document(documents.discover_server(call.world, call.server))


@agent_call
def discover_hardware(call: Call) -> str | None:
    return call.document(documents.discover_hardware(call.world, call.server), encoding="UTF-8")


@agent_call
def get_last_boot_time(call: Call) -> dict[str, int]:
    now = int(view.now(call.world, call.server))
    return {"last_boot_time": Long(view.boot_time(call.world, call.server)), "local_time": Long(now)}


@agent_call
def get_datetime(call: Call) -> list[int]:
    try:
        zone = ZoneInfo(call.server.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    now = dt.datetime.fromtimestamp(view.now(call.world, call.server), zone)
    return [now.year, now.month, now.day, now.hour, now.minute, now.second]


@agent_call
def set_datetime(call: Call, year: int, month: int, day: int, hour: int, min: int, sec: int) -> None:  # noqa: A002
    wanted = dt.datetime(year, month, day, hour, min, sec, tzinfo=ZoneInfo(call.server.time_zone)).timestamp()
    call.server.clock_offset_s += wanted - view.now(call.world, call.server)


@agent_call
def get_timezone(call: Call) -> list[Any]:
    return [call.server.time_zone, True]


@agent_call
def set_timezone(call: Call, timezone: str, utc: bool) -> None:
    call.server.time_zone = timezone


@agent_call
def get_ntp(call: Call) -> list[Any]:
    local = any(item.startswith("127.127.") for item in call.server.ntp_servers)
    return [list(call.server.ntp_servers), local, call.server.is_ntp_running]


@agent_call
def set_ntp(call: Call, servers: list[str], local_time_source: bool, allow_query: bool = False) -> None:
    wanted = [str(item) for item in servers]
    call.server.ntp_servers = tuple(wanted + (["127.127.1.0"] if local_time_source else []))


@agent_call
def enable_ntp(call: Call) -> None:
    call.server.is_ntp_running = True


@agent_call
def disable_ntp(call: Call) -> None:
    call.server.is_ntp_running = False


@agent_call
def update_agent_password(call: Call, user: str, *passwords: str) -> None:
    """3.2: (user, new); later: (user, new, old)."""
    wanted = 1 if call.server.release.startswith("3.2") else 2
    if len(passwords) != wanted:
        text = f"update_agent_password() takes exactly {wanted + 1} arguments ({len(passwords) + 1} given)"
        raise CallRefusedError(text, exception=TYPE_ERROR)
    if wanted == 2 and passwords[1] != call.server.password:
        raise CallRefusedError("Invalid old password")  # text invented
    if user != "oracle" or not passwords[0]:
        raise CallRefusedError(f"Invalid user: {user}")  # text invented
    call.server.password = passwords[0]


@agent_call
def set_statistic_interval(call: Call, interval: int) -> None:
    call.server.statistic_interval_s = int(interval)


@agent_call
def get_log(call: Call, names: list[str]) -> dict[str, str]:
    stamp = dt.datetime.fromtimestamp(view.now(call.world, call.server), dt.UTC).strftime("%Y-%m-%d %H:%M:%S")
    text = f"[{stamp} 4711] INFO (service:76) call start: get_log\n"
    return {name: text if name == "ovs-agent" else "" for name in names if name in LOGS}


@agent_call
def get_system_disk_space(call: Call) -> dict[str, str]:
    """Keys not recorded: INVENTED."""
    return {"total": str(50 * 2**30), "free": str(41 * 2**30), "used": str(9 * 2**30)}


@agent_call
def get_yum_config(call: Call) -> list[dict[str, str]]:
    return []


@agent_call
def package_get_repositories(call: Call) -> list[dict[str, str]]:
    return []


@agent_call
def package_list(call: Call) -> list[str]:
    return [f"{name}-{version}" for name, version in sorted(call.server.packages.items())]


@agent_call
def list_package(call: Call) -> list[str]:
    return package_list_names(call)


@agent_call
def notify_manager(call: Call, notification: Any, data: Any) -> None:
    """Agents tell their Manager this way; the lab has nobody who listens."""


@agent_call
def ovs_async_proc(call: Call, func: str, *args: Any) -> int:
    """Shape not recorded: a process id."""
    return 4711


@agent_call
def ovs_async_proc_status(call: Call, pid: int) -> dict[str, str]:
    """Shape not recorded: INVENTED."""
    return {"pid": str(pid), "status": "finished"}


@agent_call
def ovs_async_proc_stop(call: Call, pid: int) -> None:
    return None


@agent_call
def sys_reboot(call: Call) -> None:
    call.server.boot_age_s = call.world.started_at - view.now(call.world, call.server)


def package_list_names(call: Call) -> list[str]:
    """Package names alone, as 3.2 lists them (shape not recorded)."""
    return sorted(call.server.packages)
