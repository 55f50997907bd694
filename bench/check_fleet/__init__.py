"""The full dom0 fact set from N real OpenSSH servers, beside what an operator would otherwise use.

`python -m bench check_fleet` (20, 50 and 100 servers; BENCH_SERVERS="20" for fewer). Needs root: the servers live in
namespaces. Every client runs the same commands with at most 32 logins at once; ansible's setup module has its own.
The others are installed into a throw-away environment (BENCH_VENV keeps it); what cannot be had is left out, saying so.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

AT_ONCE = 32
ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
OTHERS = ("parallel-ssh", "pyinfra", "ansible-core")


@dataclass(frozen=True, slots=True)
class Fleet:
    """Files that tell a client of the running servers: JSON, the commands' script, key, inventories, OpenSSH words."""

    folder: Path
    key: Path
    ports: list[int]

    @property
    def hosts(self) -> Path:
        return self.folder / "hosts.json"

    @property
    def script(self) -> Path:
        return self.folder / "script.sh"


@dataclass(frozen=True, slots=True)
class Measured:
    """One client's run: wall and CPU seconds, peak memory of its largest process in MiB."""

    wall_s: float
    cpu_s: float
    mib: float
    trouble: str = ""


def measured(command: list[str], env: dict[str, str]) -> Measured:
    """Run a client to its end in a process of its own, with all its children counted."""
    told = subprocess.run(
        [sys.executable, str(HERE / "measure.py"), *command],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=os.environ | env,
        stdin=subprocess.DEVNULL,
    )
    last = told.stdout.strip().splitlines()[-1:] or ["{}"]
    try:
        values = json.loads(last[0])
    except ValueError:
        values = {}
    if "wall" not in values:
        return Measured(0, 0, 0, (told.stderr or told.stdout)[-300:])
    trouble = "" if values["status"] == 0 else f"status {values['status']}: {told.stderr[-200:]}"
    return Measured(values["wall"], values["cpu"], values["mib"], trouble)


def clients(fleet: Fleet, venv: Path) -> dict[str, Callable[[], Measured]]:
    """Name -> run, ours first."""
    count = len(fleet.ports)
    own = [sys.executable, "-m", "bench.check_fleet.clients"]
    words = [str(fleet.hosts), str(fleet.script)]
    options = f"-q -F none -i {fleet.key} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes"
    xargs = (
        f"printf '%s\\n' {' '.join(map(str, fleet.ports))} | xargs -P {AT_ONCE} -I PORT "
        f"sh -c 'ssh {options} -p PORT root@127.0.0.1 sh < {fleet.script} > {fleet.folder}/out.PORT'"
    )
    ansible = {
        "ANSIBLE_HOST_KEY_CHECKING": "False",
        "ANSIBLE_LOCAL_TEMP": str(fleet.folder / "ansible"),
        "ANSIBLE_CONFIG": str(fleet.folder / "ansible.cfg"),
    }
    at = venv / "bin"
    inventory = str(fleet.folder / "inventory.ini")
    return {
        "poolwright": lambda: measured([*own, "poolwright", *words], {}),
        "bare asyncssh": lambda: measured([*own, "asyncssh", *words], {}),
        "parallel-ssh": lambda: measured([str(at / "python"), str(HERE / "pssh_client.py"), *words], {}),
        "pyinfra": lambda: measured(
            [str(at / "python"), str(HERE / "pyinfra_client.py"), *words], {"HOME": str(fleet.folder)}
        ),
        "xargs ssh": lambda: measured(["sh", "-c", xargs], {}),
        "ansible raw": lambda: measured(
            [
                str(at / "ansible"),
                "all",
                "-i",
                inventory,
                "-f",
                str(AT_ONCE),
                "-m",
                "raw",
                "-a",
                f"{fleet.script.read_text()}",
            ],
            ansible,
        ),
        "ansible setup": lambda: measured(
            [str(at / "ansible"), "all", "-i", inventory, "-f", str(count), "-m", "setup"], ansible
        ),
    }


def install(venv: Path) -> str:
    """The others into `venv`; why not, when that fails."""
    if not (venv / "bin/python").exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    done = subprocess.run(
        [str(venv / "bin/python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", *OTHERS],
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if done.returncode == 0 else done.stderr[-300:]


def one_size(count: int, venv: Path) -> None:
    """Measure every client against `count` servers."""
    from core.facts.batch import make_script
    from core.facts.commands import BASE
    from tests.real.farm import FarmHost, hosts_text, running_farm

    names = {f"ovs{n}": f"10.78.{n // 200}.{n % 200 + 1}" for n in range(count)}
    with tempfile.TemporaryDirectory(prefix="check_fleet-") as text:
        folder = Path(text)
        hosts = [FarmHost(name, address, hosts_text(names)) for name, address in names.items()]
        with running_farm(folder, hosts) as farm:
            ports = [farm.relay[address] for address in names.values()]
            fleet = Fleet(folder, farm.key_file, ports)
            fleet.script.write_text(make_script(BASE, "token"))
            known = folder / "known_hosts"
            known.write_text(_host_keys(ports))
            fleet.hosts.write_text(
                json.dumps(
                    {"ports": ports, "key": str(farm.key_file), "at_once": AT_ONCE, "known_hosts": str(known)}
                )
            )
            lines = [
                f"{name} ansible_host=127.0.0.1 ansible_port={port} ansible_user=root"
                f" ansible_ssh_private_key_file={farm.key_file} ansible_python_interpreter=/usr/bin/python3"
                for name, port in zip(names, ports, strict=True)
            ]
            (folder / "ansible.cfg").write_text("[defaults]\n")
            (folder / "inventory.ini").write_text("\n".join(lines) + "\n")
            _table(count, clients(fleet, venv))


def _host_keys(ports: list[int]) -> str:
    """What OpenSSH itself says of the servers' host keys."""
    found = ""
    for port in ports:
        command = ["ssh-keyscan", "-t", "ed25519", "-p", str(port), "127.0.0.1"]
        found += subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return found


def _table(count: int, runs: dict[str, Callable[[], Measured]]) -> None:
    found: dict[str, Measured] = {}
    for name, run in runs.items():
        rounds = [run() for _ in range(1 if name.startswith("ansible") else 3)]
        good = [one for one in rounds if not one.trouble]
        if not good:
            print(f"{count:>4}  {name:<14} left out: {rounds[0].trouble.strip().splitlines()[-1:]}")
            continue
        found[name] = min(good, key=lambda one: one.wall_s)
    bare, ours = found.get("bare asyncssh"), found.get("poolwright")
    if bare is None or ours is None:
        return
    print("servers  client          wall s   CPU s    MiB  wall / bare   CPU / bare    ours / its wall")
    for name, one in found.items():
        print(
            f"{count:>7}  {name:<14} {one.wall_s:>7.2f} {one.cpu_s:>7.2f} {one.mib:>6.0f}"
            f" {one.wall_s / bare.wall_s:>12.2f} {one.cpu_s / bare.cpu_s:>12.2f} {ours.wall_s / one.wall_s:>12.2f}"
        )


def main() -> None:
    """Print one table a size. To reach: wall 1.10x and CPU 1.5x of bare asyncssh, 0.12x of ansible setup."""
    from tests.real.farm import why_not

    if why_not():
        print(f"left out: {why_not()}")
        return
    kept = os.environ.get("BENCH_VENV")
    sizes = [int(word) for word in os.environ.get("BENCH_SERVERS", "20 50 100").split()]
    with tempfile.TemporaryDirectory(prefix="check_fleet-venv-") as text:
        venv = Path(kept or text)
        trouble = install(venv)
        if trouble:
            print(f"some of {', '.join(OTHERS)} cannot be had: {trouble}")
        for count in sizes:
            started = time.monotonic()
            one_size(count, venv)
            print(f"({time.monotonic() - started:.0f} s for {count} servers)")
