"""Time: date, ntpq, ntpstat, ntpdate, chronyc, hwclock."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.lab import view
from core.lab.dom0 import reach
from core.lab.dom0.command import Command, command

DEFAULT_FORMAT = "%a %b %e %H:%M:%S %Z %Y"


@command("date")
def date(c: Command) -> int:
    options, rest = c.options("d")
    if rest and not rest[0].startswith("+"):
        return c.say("date: cannot set date: Operation not permitted")
    stamp = view.now(c.world, c.server)
    if options.get("d", "").startswith("@"):
        stamp = float(options["d"][1:])
    moment = dt.datetime.fromtimestamp(stamp, dt.UTC if "u" in options or "utc" in options else zone(c))
    pattern = rest[0][1:] if rest else DEFAULT_FORMAT
    if "R" in options:
        pattern = "%a, %d %b %Y %H:%M:%S %z"
    if "iso-8601" in options or "I" in options:
        pattern = "%Y-%m-%dT%H:%M:%S%z" if "seconds" in options.get("iso-8601", "") else "%Y-%m-%d"
    for mark, value in (
        ("%N", f"{int(stamp % 1 * 1e9):09d}"),
        ("%3N", f"{int(stamp % 1 * 1e3):03d}"),
        ("%s", str(int(stamp))),
        ("%e", f"{moment.day:>2}"),
        ("%F", moment.strftime("%Y-%m-%d")),
        ("%T", moment.strftime("%H:%M:%S")),
    ):
        pattern = pattern.replace(mark, value)
    c.print(moment.strftime(pattern))
    return 0


def zone(c: Command) -> dt.tzinfo:
    """The server's time zone, UTC when it is an odd one."""
    try:
        return ZoneInfo(c.server.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        return dt.UTC


@command("hwclock", solaris=False)
def hwclock(c: Command) -> int:
    moment = dt.datetime.fromtimestamp(view.now(c.world, c.server), zone(c))
    c.print(moment.strftime("%a %d %b %Y %I:%M:%S %p %Z  -0.406583 seconds"))
    return 0


def reachable(c: Command, source: str) -> bool:
    """Does this NTP source answer?"""
    found = view.resolve(c.world, c.server, source)
    return bool(found) and reach.answers_ping(c.world, found[0])


@command("ntpq")
def ntpq(c: Command) -> int:
    if not c.server.is_ntp_running:
        return c.say("ntpq: read: Connection refused")
    c.print("     remote           refid      st t when poll reach   delay   offset  jitter", "=" * 78)
    is_synchronised = False
    for source in c.server.ntp_servers:
        if source.startswith("127.127."):
            mark = " " if is_synchronised else "*"
            c.print(f"{mark}{source:<15} .LOCL.          10 l   12   64  377    0.000    0.000   0.001")
        elif reachable(c, source):
            mark = "+" if is_synchronised else "*"
            is_synchronised = True
            offset = f"{c.server.clock_offset_s * -1000:.3f}"
            c.print(f"{mark}{source:<15} 192.0.2.1        3 u   24   64  377    0.212 {offset:>8}   0.041")
        else:
            c.print(f" {source:<15} .INIT.          16 u    -   64    0    0.000    0.000   0.000")
    return 0


@command("ntpstat", solaris=False)
def ntpstat(c: Command) -> int:
    if not c.server.is_ntp_running:
        c.print("Unable to talk to NTP daemon. Is it running?")
        return 2
    source = next(
        (item for item in c.server.ntp_servers if not item.startswith("127.") and reachable(c, item)), None
    )
    if source is None:
        c.print("unsynchronised", "   polling server every 64 s")
        return 1
    c.print(
        f"synchronised to NTP server ({source}) at stratum 4",
        "   time correct to within 21 ms",
        "   polling server every 64 s",
    )
    return 0


@command("ntpdate")
def ntpdate(c: Command) -> int:
    _, servers = c.options("tp")
    status = 1
    for source in servers:
        if reachable(c, source):
            status = 0
            address = view.resolve(c.world, c.server, source)[0]
            c.print(f"server {address}, stratum 3, offset {-c.server.clock_offset_s:.6f}, delay 0.02588")
        else:
            c.say(f"ntpdate[4711]: no server suitable for synchronization found ({source})")
    return status


@command("chronyc", solaris=False)
def chronyc(c: Command) -> int:
    return c.say("506 Cannot talk to daemon")
