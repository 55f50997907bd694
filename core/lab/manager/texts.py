"""Error texts and times as Manager words them; what no source tells is marked as invented (manager-cli
5.3, 5.4).
"""

from __future__ import annotations

from datetime import datetime

from core.lab.operations import CallRefusedError
from core.lab.world import LabServer

INVENTED = "OVMAPI_9999E (text invented by the lab)"


class ManagerError(Exception):
    """A command or job fails with this `Error Msg`, without date; `date` is added when it is told."""


def invented(text: str) -> ManagerError:
    """A failure whose wording no source gives."""
    return ManagerError(f"{INVENTED} {text}")


def agent_failed(
    server: LabServer, call: str, error: CallRefusedError, *, is_multiline: bool = True
) -> ManagerError:
    """A refused agent call as Manager tells it (manager-cli 5.3, first row)."""
    gap = "\n" if is_multiline else ""
    return ManagerError(
        f"OVMAPI_4010E Attempt to send command: {call} to server: {server.name} failed. {gap}"
        f"OVMAPI_4004E Sync command failed on server: {server.address}. {gap}"
        f"Command: {call}, Server error: org.apache.xmlrpc.XmlRpcException: {error.text(server)}"
    )


def unreachable(address: str, name: str, call: str) -> ManagerError:
    """An agent that does not answer; the text behind `Server error:` is invented."""
    return ManagerError(
        f"OVMAPI_4010E Attempt to send command: {call} to server: {name} failed. "
        f"OVMAPI_4004E Sync command failed on server: {address}. Command: {call}, Server error: "
        f"{INVENTED} java.net.ConnectException: Connection refused"
    )


def reply_time(now: datetime) -> str:
    """`yyyy-MM-dd HH:mm:ss,SSS ZZZ`, as the header's Time line has it."""
    return f"{now:%Y-%m-%d %H:%M:%S},{now.microsecond // 1000:03d} {now.tzname() or 'UTC'}"


def error_time(now: datetime) -> str:
    """`EEE MMM dd HH:mm:ss zzz yyyy`, as error texts end."""
    return f"{now:%a %b %d %H:%M:%S} {now.tzname() or 'UTC'} {now:%Y}"
