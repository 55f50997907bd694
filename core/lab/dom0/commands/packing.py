"""Packing and armour for bytes on their way through a pipe: gzip, base64, openssl base64."""

from __future__ import annotations

import base64
import gzip
import zlib

from core.lab import view
from core.lab.dom0.command import Command, command
from core.lab.dom0.commands.filters import inputs


@command("gzip", "gunzip", "zcat")
async def gzip_(c: Command) -> int:
    """To standard output only: the lab packs no files in place."""
    options, paths = c.options("S")
    if paths and c.name != "zcat" and "c" not in options:
        return c.say(f"{c.name}: this lab packs to standard output only")
    found, status = await inputs(c, paths)
    level = next((int(name) for name in options if name.isdigit()), 6)
    for name, data in found:
        if c.name == "gzip" and "d" not in options:
            c.io.out(gzip.compress(data, level, mtime=0))
            continue
        try:
            c.io.out(gzip.decompress(data))
        except (OSError, EOFError, zlib.error):
            return c.say(f"{c.name}: {'stdin' if name == '-' else name}: not in gzip format")
    return status


@command("base64")
async def base64_(c: Command) -> int:
    if not c.shell.is_solaris and view.is_el5(c.server):  # came with coreutils 6
        return c.say("bash: base64: command not found", 127)
    options, paths = c.options("w")
    found, status = await inputs(c, paths)
    for _, data in found:
        c.io.out(base64.b64decode(data) if "d" in options else base64.encodebytes(data))
    return status


@command("openssl")
async def openssl(c: Command) -> int:
    """`openssl base64` and `openssl version`."""
    if c.args[:1] == ["version"]:
        c.print("OpenSSL 0.9.8e-fips-rhel5 01 Jul 2008" if view.is_el5(c.server) else "OpenSSL 1.0.1e-fips")
        return 0
    if c.args[:1] not in (["base64"], ["enc"]):
        return c.say(f"openssl:Error: '{' '.join(c.args[:1])}' is an invalid command.")
    data = await c.io.stdin.read()
    c.io.out(base64.b64decode(data) if "-d" in c.args else base64.encodebytes(data))
    return 0
