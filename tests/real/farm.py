"""Many real SSH servers on one machine: each its own network, UTS, IPC, PID and mount namespaces and sshd.

Nothing here has a name on the machine: namespaces belong to processes, and every process dies with the one that
made it (PDEATHSIG), so a killed test run leaves nothing behind. The machine's own network is never touched: the
servers' bridge lives in a namespace of its own, and the tests get in through a relay that accepts on 127.0.0.1.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.real.processes import PATH, has_banner, ip_batch, is_elsewhere, keep, relay, wait_for, which

PREFIX = 16
# The server's root is an overlay over the machine's own root; what it writes goes to a tmpfs that ends with it.
_HOST = r"""
set -e
name=$1 folder=$2
mount --make-rprivate /
hostname "$name"
mount -t tmpfs -o mode=755 t "$folder"
mkdir "$folder/up" "$folder/work" "$folder/root"
mount -t overlay o -o "lowerdir=/,upperdir=$folder/up,workdir=$folder/work" "$folder/root"
cd "$folder/root"
mount -t proc p proc
mount -t sysfs -o ro s sys
mount --rbind /dev dev
mount -t tmpfs -o mode=755 t run
mount -t tmpfs -o mode=1777 t tmp
mkdir -p run/sshd old root/.ssh
echo "$name" > etc/hostname
rm -f etc/hosts etc/resolv.conf root/.ssh/authorized_keys
cat > etc/hosts
: > etc/resolv.conf
printf 'passwd: files\ngroup: files\nshadow: files\nhosts: files\n' > etc/nsswitch.conf
echo "$3" > root/.ssh/authorized_keys
chmod 700 root root/.ssh; chown 0:0 root root/.ssh
rm -f etc/ssh/ssh_host_*
ssh-keygen -q -t ed25519 -N '' -f etc/ssh/ssh_host_ed25519_key
cat > etc/ssh/sshd_config <<SSHD
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
UsePAM no
UseDNS no
MaxStartups 200
MaxSessions 20
PidFile none
Subsystem sftp internal-sftp
SSHD
pivot_root . old
umount -l /old
rmdir /old
[ -z "$4" ] || sh -ec "$4"
exec /usr/sbin/sshd -D -e -f /etc/ssh/sshd_config
"""


@dataclass(frozen=True, slots=True)
class FarmHost:
    """One server to make. `hosts` is its /etc/hosts; `setup` a shell text run in it before sshd starts."""

    name: str
    address: str
    hosts: str
    mtu: int = 1500
    wire_mtu: int = 1500  # of the bridge's end of its cable: larger packets from others are dropped there
    setup: str = ""


@dataclass(slots=True)
class Farm:
    """Running servers. `relay` maps an address to the 127.0.0.1 port that leads to its port 22."""

    key_file: Path
    relay: dict[str, int] = field(default_factory=dict)
    pids: dict[str, int] = field(default_factory=dict)
    bridge_pid: int = 0

    def run(self, name: str, command: str) -> str:
        """Run a shell command inside a server, as root; RuntimeError when it fails."""
        return self._enter(
            self.pids[name], ("--mount", "--net", "--uts", "--pid", "--root", "--wd=/"), command
        )

    def on_bridge(self, command: str) -> str:
        """Run a shell command where the servers' bridge is."""
        return self._enter(self.bridge_pid, ("--net",), command)

    @staticmethod
    def _enter(pid: int, spaces: Sequence[str], command: str) -> str:
        done = subprocess.run(
            ["nsenter", "--target", str(pid), *spaces, "sh", "-c", command],
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode:
            raise RuntimeError(f"{command}: {done.stderr or done.stdout}")
        return done.stdout


def why_not() -> str:
    """Why no such servers can be made here, "" when they can."""
    if os.geteuid() != 0:
        return "needs root to make namespaces"
    for program in (
        "ip",
        "unshare",
        "nsenter",
        "setpriv",
        "sshd",
        "ssh-keygen",
        "pivot_root",
        "arping",
        "nft",
    ):
        if which(program) is None:
            return f"needs {program}"
    tried = subprocess.run(
        [
            "unshare",
            "--mount",
            "--net",
            "--pid",
            "--fork",
            "sh",
            "-c",
            "ip link add type veth && ip link add type bridge",
        ],
        capture_output=True,
        check=False,
        env={"PATH": PATH},
    )
    return "" if tried.returncode == 0 else "may not make namespaces with veth and bridge"


def hosts_text(servers: Mapping[str, str], *, own_loopback: str = "") -> str:
    """An /etc/hosts that names everyone; `own_loopback` stands on a loopback line as well."""
    lines = ["127.0.0.1 localhost"]
    if own_loopback:
        lines.append(f"127.0.1.1 {own_loopback}")
    return "\n".join([*lines, *(f"{address} {name}" for name, address in servers.items()), ""])


@contextmanager
def running_farm(folder: Path, hosts: Sequence[FarmHost]) -> Iterator[Farm]:
    """Make the servers, wait for every banner, and end them all."""
    key = folder / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    (folder / "host.sh").write_text(_HOST)
    farm = Farm(key)
    with ExitStack() as stack:
        bridge = keep(stack, ["unshare", "--net", "sleep", "infinity"], folder / "bridge.log")
        farm.bridge_pid = bridge.pid
        wait_for(lambda: is_elsewhere(bridge.pid, "net"), "the bridge's namespace", bridge)
        ip_batch(bridge.pid, "link set lo up\nlink add br0 type bridge forward_delay 0\nlink set br0 up\n"
            f"addr add 10.78.255.254/{PREFIX} dev br0\n")  # fmt: skip
        started = [(host, _start(stack, farm, folder, host)) for host in hosts]
        for host, process in started:
            farm.pids[host.name] = _inner_pid(process)
        _plug(farm, hosts)
        farm.relay = relay(stack, farm.bridge_pid, folder, [host.address for host in hosts])
        for host, process in started:
            wait_for(lambda port=farm.relay[host.address]: has_banner(port), host.name, process)  # type: ignore[misc]
        yield farm


def _start(stack: ExitStack, farm: Farm, folder: Path, host: FarmHost) -> subprocess.Popen[bytes]:
    own = folder / host.name
    own.mkdir()
    script = folder / "host.sh"
    (folder / f"{host.name}.hosts").write_text(host.hosts)
    public = farm.key_file.with_suffix(".pub").read_text().strip()
    command = [
        *("unshare", "--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child"),
        *("sh", "-e", str(script), host.name, str(own), public, _wait_for_network(host) + host.setup),
    ]
    return keep(stack, command, folder / f"{host.name}.log", stdin=folder / f"{host.name}.hosts")


def _wait_for_network(host: FarmHost) -> str:
    return f"until ip -o -4 addr show dev eth0 2>/dev/null | grep -q '{host.address}/'; do sleep 0.05; done\n"


def _plug(farm: Farm, hosts: Sequence[FarmHost]) -> None:
    """One cable from the bridge to each server."""
    lines = []
    for index, host in enumerate(hosts):
        lines.append(f"link add v{index} type veth peer name eth0 netns {farm.pids[host.name]}")
        lines.append(f"link set v{index} mtu {host.wire_mtu} master br0")
        lines.append(f"link set v{index} up")
    lines.append("link set br0 mtu 1500")
    ip_batch(farm.bridge_pid, "\n".join(lines) + "\n")
    for host in hosts:
        ip_batch(
            farm.pids[host.name],
            f"link set lo up\nlink set eth0 mtu {host.mtu}\n"
            f"addr add {host.address}/{PREFIX} dev eth0\nlink set eth0 up\n",
        )


def _inner_pid(process: subprocess.Popen[bytes]) -> int:
    """The server's PID 1 as this machine counts it, once its namespaces stand."""
    found: list[int] = []

    def is_there() -> bool:
        with suppress(OSError):
            words = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            found[:] = [int(word) for word in words]
        return bool(found) and is_elsewhere(found[0], "net")

    wait_for(is_there, "a server's first process", process)
    return found[0]
