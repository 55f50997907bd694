"""Whole Linux machines in software emulation (never hardware acceleration): a kernel, disks and a clock of their own.

They are built once from Debian packages (image/build.sh) into a cache and run from overlays in the test's folder. Like
the namespaces' servers they end with the process that started them, and are reached through a relay on 127.0.0.1.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

import pytest

from tests.real.processes import PATH, has_banner, ip_batch, is_elsewhere, keep, relay, wait_for, which

GATEWAY = "10.77.0.254"  # the bridge's own address, where an NTP server answers
IMAGE = Path(__file__).parent / "image"
CACHE_VARIABLE = "POOLWRIGHT_TEST_CACHE"
_BUILD_S = 480
_BOOT_S = 300.0  # to the SSH banner; 5 s to 12 s on an idle machine
_MEMORY_MIB, _DISK_MIB = 2500, 2000  # free, for four machines and for building their image
# acpi_pm: the time stamp counter is calibrated at boot, wrongly on a busy computer, and the clock then runs away
_LINUX = (
    "console=ttyS0 quiet panic=1 mitigations=off nokaslr clocksource=acpi_pm no_timer_check random.trust_cpu=on"
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

    def run(self, machine: Machine, command: str, *, limit_s: float = 400.0) -> str:
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
                *("-F", "none", "-o", "ConnectTimeout=60", "root@127.0.0.1", command),
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

    def run_all(self, commands: Mapping[Machine, str], *, limit_s: float = 400.0) -> dict[Machine, str]:
        """Run one command on each machine, side by side."""
        with ThreadPoolExecutor(len(commands)) as pool:
            told = pool.map(lambda item: self.run(item[0], item[1], limit_s=limit_s), commands.items())
            return dict(zip(commands, told, strict=True))


class NoMachines(RuntimeError):
    """Machines cannot be had here, for a reason that is this computer's or its package mirror's."""


@lru_cache(maxsize=1)
def why_not() -> str:
    """Why no machines can be run here, "" when they can; whether the image can be built is only seen by building it."""
    if os.geteuid() != 0:
        return "needs root to build an image and make namespaces"
    if platform.machine() not in ("x86_64", "AMD64"):
        return "needs an x86-64 machine: its packages go into the image"
    missing = [program for program in _TOOLS if which(program) is None]
    if missing:
        return f"needs {', '.join(missing)}"
    if not Path("/dev/net/tun").exists():
        return "needs /dev/net/tun"
    if (free := _free_memory_mib()) < _MEMORY_MIB:
        return f"needs {_MEMORY_MIB} MiB of free memory, there are {free}"
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


def _free_memory_mib() -> int:
    told = re.search(r"^MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text("ascii"), re.MULTILINE)
    return int(told[1]) // 1024 if told else 0


def image_folder() -> Path:
    """The built image; takes about a minute the first time. NoMachines with the builder's last words."""
    try:
        return _image_folder()
    except OSError as error:
        raise NoMachines(f"no image can be built here: {error}") from error


_FAILED: dict[Path, str] = {}  # an image that could not be built is not tried again by the next module


def _image_folder() -> Path:
    digest = hashlib.sha256(
        b"".join((IMAGE / name).read_bytes() for name in ("build.sh", "labinit", "labnet"))
    )
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "poolwright-tests"
    folder = Path(os.environ.get(CACHE_VARIABLE) or home) / f"image-{digest.hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / "ready").exists():
            return folder
        if folder not in _FAILED and (why := _build(folder)):
            _FAILED[folder] = why
        if folder in _FAILED:
            raise NoMachines(f"the machines' image could not be built: {_FAILED[folder]}")
    return folder


def _build(folder: Path) -> str:
    """Build the image; why it failed, "" when it did not."""
    free_mib = shutil.disk_usage(folder).free // 2**20
    if free_mib < _DISK_MIB:
        return f"needs {_DISK_MIB} MiB free in {folder}, there are {free_mib}"
    with (folder / "build.log").open("wb") as log:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", "bash", str(IMAGE / "build.sh"), str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={"PATH": PATH, "LC_ALL": "C", "HOME": str(folder)},
        )
        try:
            status = process.wait(_BUILD_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGTERM)  # the script takes its folders away
            status = process.wait(60)
            return f"it took more than {_BUILD_S} s"
        except BaseException:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(60)
            raise
    words = (folder / "build.log").read_text("utf-8", "replace").strip()
    return "" if status == 0 else " | ".join(words.splitlines()[-3:])[-400:] or f"exit status {status}"


@contextmanager
def running_lab(folder: Path, machines: Sequence[Machine]) -> Iterator[Lab]:
    """Start the machines, wait for every SSH banner, and end them all; NoMachines where they do not start."""
    image = image_folder()
    with ExitStack() as stack:
        try:
            lab = _started(stack, folder, machines, image)
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:  # TimeoutError is an OSError
            raise NoMachines(f"the machines do not start here: {error}") from error
        yield lab


@contextmanager
def running_or_skip(folder: Path, machines: Sequence[Machine]) -> Iterator[Lab]:
    """running_lab for a fixture: where there can be no machines, its tests are skipped with the reason."""
    with ExitStack() as stack:
        try:
            lab = stack.enter_context(running_lab(folder, machines))
        except NoMachines as error:
            pytest.skip(str(error))
        yield lab


def _started(stack: ExitStack, folder: Path, machines: Sequence[Machine], image: Path) -> Lab:
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
        wait_for(lambda port=ports[one.address]: has_banner(port), one.name, process, limit_s=_BOOT_S)  # type: ignore[misc]
    return Lab(image / "id", ports)


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
        *("-accel", f"tcg,tb-size={256 if machine.is_xen else 128}", "-cpu", machine.cpu),
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
