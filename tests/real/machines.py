"""Whole Linux machines in software emulation (never hardware acceleration): a kernel, disks and a clock of their own.

They are built once from Debian packages (image/build.sh) into a cache and run from overlays in the test's folder. Like
the namespaces' servers they end with the process that started them, and are reached through a relay on 127.0.0.1.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.real.processes import PATH, has_banner, ip_batch, is_elsewhere, keep, relay, wait_for, which

GATEWAY = "10.77.0.254"  # the bridge's own address, where an NTP server answers
IMAGE = Path(__file__).parent / "image"
CACHE_VARIABLE = "POOLWRIGHT_TEST_CACHE"
_BUILD_S = 600
_LINUX = (
    "console=ttyS0 quiet panic=1 mitigations=off nokaslr tsc=reliable no_timer_check random.trust_cpu=on"
    " net.ifnames=0 ipv6.disable=1 audit=0"
)
_XEN = (
    "com1=115200,8n1 console=com1 dom0_mem=320M,max:320M no-real-mode edd=off cpuidle=0 spec-ctrl=no xpti=no"
)
_TOOLS = (
    *(
        "qemu-system-x86_64",
        "qemu-img",
        "mmdebstrap",
        "cpio",
        "mke2fs",
        "depmod",
        "dpkg-deb",
        "apt-get",
        "python3",
    ),
    *("ip", "nsenter", "unshare", "setpriv", "ssh", "ssh-keygen"),
)


@dataclass(frozen=True, slots=True)
class Lun:
    """A shared disk as one machine sees it: its file, and the WWN (16 hex digits) it shows."""

    file: Path
    wwn: str


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine to run: `number` makes its name and address, `clock_s` is how far its clock is off."""

    number: int
    luns: tuple[Lun, ...] = ()
    clock_s: int = 0
    memory_mib: int = 320
    disk_mib: int = 0  # of an empty disk of its own, /dev/vdb
    cpu: str = "EPYC,+svm,+npt"
    is_xen: bool = False

    @property
    def name(self) -> str:
        return f"vm{self.number}"

    @property
    def address(self) -> str:
        return f"10.77.0.{self.number}"


@dataclass(slots=True)
class Lab:
    """Running machines. `ports` maps an address to the 127.0.0.1 port that leads to its port 22."""

    key_file: Path
    ports: Mapping[str, int] = field(default_factory=dict)

    def run(self, machine: Machine, command: str, *, limit_s: float = 120.0) -> str:
        """Run a shell command on a machine over OpenSSH, as root; RuntimeError when it fails."""
        done = subprocess.run(
            [
                *("ssh", "-q", "-i", str(self.key_file), "-p", str(self.ports[machine.address])),
                *(
                    "-o",
                    "StrictHostKeyChecking=no",
                    "-o",
                    "UserKnownHostsFile=/dev/null",
                    "-o",
                    "BatchMode=yes",
                ),
                *("-F", "none", "-o", "ConnectTimeout=20", "root@127.0.0.1", command),
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=limit_s,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode:
            raise RuntimeError(f"{machine.name}: {command}: {done.returncode} {done.stderr} {done.stdout}")
        return done.stdout

    def run_all(self, commands: Mapping[Machine, str], *, limit_s: float = 120.0) -> dict[Machine, str]:
        """Run one command on each machine, side by side."""
        with ThreadPoolExecutor(len(commands)) as pool:
            told = pool.map(lambda item: self.run(item[0], item[1], limit_s=limit_s), commands.items())
            return dict(zip(commands, told, strict=True))


def why_not() -> str:
    """Why no machines can be run here, "" when they can."""
    if os.geteuid() != 0:
        return "needs root to build an image and make namespaces"
    missing = [program for program in _TOOLS if which(program) is None]
    if missing:
        return f"needs {', '.join(missing)}"
    if not Path("/dev/net/tun").exists():
        return "needs /dev/net/tun"
    tried = subprocess.run(
        [
            "unshare",
            "--net",
            "--mount",
            "sh",
            "-c",
            "ip tuntap add dev t mode tap && ip link add type bridge",
        ],
        capture_output=True,
        check=False,
        env={"PATH": PATH},
    )
    return "" if tried.returncode == 0 else "may not make namespaces with tap and bridge"


def image_folder() -> Path:
    """The built image; takes about a minute the first time. RuntimeError with the builder's last words."""
    digest = hashlib.sha256(
        b"".join((IMAGE / name).read_bytes() for name in ("build.sh", "labinit", "labnet"))
    )
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "poolwright-tests"
    folder = Path(os.environ.get(CACHE_VARIABLE) or home) / f"image-{digest.hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            done = subprocess.run(
                ["bash", str(IMAGE / "build.sh"), str(folder)],
                capture_output=True,
                text=True,
                check=False,
                timeout=_BUILD_S,
                env={"PATH": PATH, "LC_ALL": "C", "HOME": str(folder)},
            )
            if done.returncode:
                raise RuntimeError(f"the image was not built: {done.stderr[-2000:]}")
    return folder


@contextmanager
def running_lab(folder: Path, machines: Sequence[Machine]) -> Iterator[Lab]:
    """Start the machines, wait for every SSH banner, and end them all."""
    image = image_folder()
    with ExitStack() as stack:
        bridge = keep(stack, ["unshare", "--net", "sleep", "infinity"], folder / "bridge.log")
        wait_for(lambda: is_elsewhere(bridge.pid, "net"), "the bridge's namespace", bridge)
        taps = "".join(
            f"tuntap add dev {tap} mode tap\nlink set {tap} master br0\nlink set {tap} up\n"
            for tap in (f"tap{one.number}" for one in machines)
        )
        ip_batch(
            bridge.pid,
            "link set lo up\nlink add br0 type bridge forward_delay 0\n"
            f"addr add {GATEWAY}/24 dev br0\nlink set br0 up\n{taps}",
        )
        started = [
            (one, keep(stack, _command(one, bridge.pid, image, folder), folder / f"{one.name}.err"))
            for one in machines
        ]
        enter = ["nsenter", "--target", str(bridge.pid), "--net"]
        keep(
            stack,
            [*enter, sys.executable, str(IMAGE.with_name("timeserver.py")), GATEWAY],
            folder / "time.log",
        )
        ports = relay(stack, bridge.pid, folder, [one.address for one in machines])
        for one, process in started:
            wait_for(lambda port=ports[one.address]: has_banner(port), one.name, process, limit_s=120.0)  # type: ignore[misc]
        yield Lab(image / "id", ports)


def _command(machine: Machine, namespace: int, image: Path, folder: Path) -> list[str]:
    """QEMU's command line inside the bridge's namespace."""
    overlay = folder / f"{machine.name}.qcow2"
    _run("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", str(image / "base.raw"), str(overlay))
    now = datetime.now(UTC) + timedelta(seconds=machine.clock_s)
    own = f"lab.host={machine.name} lab.ip={machine.address}/24"
    number = f"{machine.number:02x}"
    words = [
        *("nsenter", "--target", str(namespace), "--net", "qemu-system-x86_64", "-name", machine.name),
        *("-uuid", f"00000000-0000-4000-8000-0000000077{number}", "-machine", "q35"),
        *("-accel", f"tcg,tb-size={256 if machine.is_xen else 64}", "-cpu", machine.cpu),
        *("-m", str(machine.memory_mib), "-nodefaults", "-no-user-config", "-display", "none"),
        *("-rtc", f"base={now:%Y-%m-%dT%H:%M:%S},clock=host", "-serial", f"file:{folder / machine.name}.log"),
        *("-drive", f"if=none,id=d0,file={overlay},cache=writeback", "-device", "virtio-blk-pci,drive=d0"),
        *("-netdev", f"tap,id=n0,ifname=tap{machine.number},script=no,downscript=no"),
        *("-device", f"virtio-net-pci,netdev=n0,romfile=,mac=52:54:00:77:00:{number}"),
        *("-device", "virtio-rng-pci", "-device", "virtio-scsi-pci,id=sc0"),
    ]
    if machine.is_xen:
        linux = f"{image / 'vmlinuz'} console=hvc0 quiet panic=1 mitigations=off net.ifnames=0 ipv6.disable=1 {own}"
        words += [
            "-kernel",
            str(image / "xen"),
            "-append",
            _XEN,
            "-initrd",
            f"{linux},{image / 'initrd.cpio'}",
        ]
    else:
        words += ["-kernel", str(image / "vmlinux"), "-append", f"{_LINUX} {own}"]
        words += ["-initrd", str(image / "initrd.cpio")]
    if machine.disk_mib:
        disk = folder / f"{machine.name}.disk"
        _run("truncate", "-s", f"{machine.disk_mib}M", str(disk))
        words += [
            "-drive",
            f"if=none,id=d1,file={disk},format=raw,cache=unsafe",
            "-device",
            "virtio-blk-pci,drive=d1",
        ]
    for index, lun in enumerate(machine.luns):
        # the page cache of this machine is common to all QEMUs: what one writes the others read
        file = f"file.driver=file,file.filename={lun.file},file.locking=off,format=raw,cache=writeback"
        words += ["-drive", f"if=none,id=lun{index},{file}"]
        device = f"scsi-hd,drive=lun{index},bus=sc0.0,share-rw=on,wwn=0x{lun.wwn},serial=SN{lun.wwn}"
        words += ["-device", f"{device},vendor=LAB,product=SHAREDLUN"]
    return words


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, env={"PATH": PATH})
