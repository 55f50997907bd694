"""Debian's own sshd in a mount namespace with its own /etc: no user or file of the machine is touched."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncssh

PASSWORD = "lab-Gr0undhog!7"
_CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
HostKey /etc/ssh/host_ed25519
HostKey /etc/ssh/host_rsa
PermitRootLogin yes
PasswordAuthentication yes
KbdInteractiveAuthentication no
AuthorizedKeysFile /etc/ssh/authorized
StrictModes no
UsePAM no
UseDNS no
PidFile none
LogLevel VERBOSE
MaxAuthTries 6
"""
_PASSWD = "root:x:0:0:root:{home}:/bin/sh\nsshd:x:100:65534::/run/sshd:/usr/sbin/nologin\n"
IN_ITS_OWN_ETC = """\
set -e
mount --make-rprivate /
mount --bind "$1" /etc
mount -t tmpfs -o mode=755 run /run
mkdir /run/sshd
shift
exec /usr/sbin/sshd -e -f /etc/ssh/sshd_config "$@"
"""  # sh -c ... sh ETC OPTION...


def missing() -> str:
    """Why a real sshd cannot be started here; "" when it can."""
    if os.geteuid() != 0:
        return "needs root to make a mount namespace"
    for program in ("/usr/sbin/sshd", "/usr/bin/unshare", "/usr/bin/openssl"):
        if not Path(program).exists():
            return f"needs {program}"
    tried = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "may not make mount namespaces"


@dataclass(frozen=True)
class Sshd:
    """A running sshd: where it listens, its ed25519 host key, the private key that may log in, and its log."""

    port: int
    host_key: asyncssh.SSHKey
    user_key: Path
    log: Path

    def log_text(self) -> str:
        return self.log.read_text("utf-8", "replace")


@asynccontextmanager
async def running_sshd(folder: Path) -> AsyncIterator[Sshd]:
    """Start it, wait for its banner, and end it with everything below it."""
    etc = folder / "etc"
    host_key, user_key = fill_etc(etc, folder)
    port = _free_port()
    (etc / "ssh/sshd_config").write_text(_CONFIG.format(port=port))
    log = folder / "sshd.log"
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *(
                "unshare",
                "--mount",
                "--pid",
                "--fork",
                "--kill-child",
                "sh",
                "-c",
                IN_ITS_OWN_ETC,
                "sh",
                str(etc),
                "-D",
            ),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    try:
        await _until_listening(port, process, log)
        yield Sshd(port, host_key, user_key, log)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def fill_etc(etc: Path, folder: Path) -> tuple[asyncssh.SSHKey, Path]:
    """What such a sshd needs to find in /etc; its first host key, and the private key that may log in."""
    (etc / "ssh").mkdir(parents=True)
    home = folder / "home"
    home.mkdir()
    hashed = subprocess.run(
        ["openssl", "passwd", "-6", "-stdin"], input=PASSWORD.encode(), capture_output=True, check=True
    ).stdout.decode()
    (etc / "passwd").write_text(_PASSWD.format(home=home))
    (etc / "group").write_text("root:x:0:\nnogroup:x:65534:\n")
    (etc / "shadow").write_text(f"root:{hashed.strip()}:19000:0:99999:7:::\nsshd:*:19000:0:99999:7:::\n")
    (etc / "shadow").chmod(0o600)
    (etc / "nsswitch.conf").write_text("passwd: files\ngroup: files\nshadow: files\nhosts: files\n")
    (etc / "hosts").write_text("127.0.0.1 localhost\n")
    for kind in ("ed25519", "rsa"):
        key = asyncssh.generate_private_key("ssh-" + kind)
        key.write_private_key(str(etc / f"ssh/host_{kind}"))
        (etc / f"ssh/host_{kind}").chmod(0o600)
    user = asyncssh.generate_private_key("ssh-ed25519")
    user_key = folder / "id_ed25519"
    user.write_private_key(str(user_key))
    (etc / "ssh/authorized").write_bytes(user.export_public_key())
    return asyncssh.read_private_key(str(etc / "ssh/host_ed25519")), user_key


async def _until_listening(port: int, process: asyncio.subprocess.Process, log: Path) -> None:
    async with asyncio.timeout(240):
        while True:
            if process.returncode is not None:
                raise RuntimeError(f"sshd ended: {_text(log)}")
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            banner = await reader.readline()
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            if banner.startswith(b"SSH-2.0-OpenSSH"):
                return


def _text(path: Path) -> str:
    return path.read_text("utf-8", "replace")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def has_ssh_client() -> bool:
    """OpenSSH's own client is installed."""
    return shutil.which("ssh") is not None
