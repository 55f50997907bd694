"""The machine itself: uname, hostname, dmidecode, modules, services, packages, processes."""

from __future__ import annotations

import time

from core.lab import view
from core.lab.dom0 import files, reach
from core.lab.dom0.command import Command, command
from core.lab.operations import cluster_name, is_agent_up
from core.lab.world import LabServer

SERVICES = {  # name -> (runs from boot, pid); o2cb and ocfs2 are switched on by the agent
    "ovs-agent": (True, 2042),
    "ntpd": (True, 2101),
    "multipathd": (True, 1822),
    "iscsid": (True, 1890),
    "rpcbind": (True, 1701),
    "nfslock": (True, 1720),
    "sshd": (True, 2080),
    "xend": (True, 2201),
    "o2cb": (True, 0),
    "ocfs2": (True, 0),
    "iptables": (False, 0),
    "ip6tables": (False, 0),
    "osc-plugin-manager": (True, 2051),
    "ovmwatch": (True, 2060),
    "devmon": (True, 2061),
    "network": (True, 0),
    "NetworkManager": (False, 0),
}


@command("uname")
def uname(c: Command) -> int:
    server = c.server
    sparc = view.is_sparc(server)
    options, _ = c.options()
    machine = "sun4v" if sparc else "x86_64"
    build = view.kernel_build(server)
    system = "SunOS" if sparc else "Linux"
    node = server.name if sparc else server.fqdn
    kernel = "5.11" if sparc else server.kernel
    values = {"s": system, "n": node, "r": kernel, "v": build, "m": machine}
    values |= {"p": "sparc" if sparc else "x86_64", "i": "sun4v" if sparc else "x86_64"}
    values["o"] = "Solaris" if sparc else "GNU/Linux"
    order = ["s", "n", "r", "v", "m", "p", "i", "o"]
    if "a" in options:
        c.print(
            " ".join(values[key] for key in (order if not sparc else ["s", "n", "r", "v", "m", "p", "i"]))
        )
        return 0
    long = {"kernel-name": "s", "nodename": "n", "kernel-release": "r", "machine": "m"}
    wanted = {long.get(key, key) for key in options} or {"s"}
    c.print(" ".join(values[key] for key in order if key in wanted))
    return 0


@command("hostname")
def hostname(c: Command) -> int:
    options, rest = c.options()
    if rest:
        return c.fail("you must be root to change the host name")
    server = c.server
    if view.is_sparc(server) or "s" in options or "short" in options:
        c.print(server.name)
    elif "d" in options:
        c.print(server.domain)
    elif "i" in options or "I" in options:
        found = (
            view.resolve(c.world, server, server.fqdn)
            if "i" in options
            else sorted(reach.own_addresses(server))
        )
        c.print(" ".join(found))
    elif "f" in options or "fqdn" in options:
        return _full_name(c)
    else:
        c.print(server.fqdn)
    return 0


def _full_name(c: Command) -> int:
    """What the resolver calls the own name: the first name of its hosts line, or DNS' one."""
    server = c.server
    found = view.resolve(c.world, server, server.fqdn) or view.resolve(c.world, server, server.name)
    if not found:
        return c.say("hostname: Unknown host")
    entry = next(
        (names for _, names in view.hosts_entries(server) if server.fqdn in names or server.name in names),
        None,
    )
    c.print(entry[0] if entry else server.fqdn)
    return 0


@command("id", "whoami", "logname")
def identity(c: Command) -> int:
    if c.name == "id" and not c.args:
        c.print("uid=0(root) gid=0(root) groups=0(root)")
    else:
        c.print("0" if "-u" in c.args and "-n" not in c.args else "root")
    return 0


@command("arch", solaris=False)
def arch(c: Command) -> int:
    c.print("x86_64")
    return 0


@command("nproc", solaris=False)
def nproc(c: Command) -> int:
    c.print(str(view.dom0_vcpus(c.server)))
    return 0


@command("uptime")
def uptime(c: Command) -> int:
    now = view.now(c.world, c.server)
    days, rest = divmod(int(now - view.boot_time(c.world, c.server)), 86400)
    clock = time.strftime("%H:%M:%S", time.gmtime(now))
    hours = f"{rest // 3600:>2}:{rest % 3600 // 60:02d}"
    c.print(f" {clock} up {days} days, {hours},  1 user,  load average: 0.02, 0.04, 0.05")
    return 0


@command("free", solaris=False)
def free(c: Command) -> int:
    total = view.dom0_memory_mib(c.server) - 176
    options, _ = c.options()
    scale = 1 if "m" in options else 1024
    values = [
        value * scale for value in (total, total * 3 // 10, total * 7 // 10, 1, total // 40, total // 10)
    ]
    c.print("             total       used       free     shared    buffers     cached")
    c.print("Mem:    " + "".join(f"{value:>11}" for value in values).lstrip(" ").rjust(63))
    c.print(f"Swap:   {8191 * scale:>10}{0:>11}{8191 * scale:>11}")
    return 0


@command("dmidecode", solaris=False)
def dmidecode(c: Command) -> int:
    options, _ = c.options("st")
    server = c.server
    maker, product = view.machine(server)
    values = {
        "system-uuid": files.dmi_uuid(server),
        "system-manufacturer": maker,
        "system-product-name": product,
        "system-serial-number": view.serial(server),
        "bios-vendor": "American Megatrends Inc.",
        "bios-version": server.bios_version,
        "bios-release-date": "04/11/2016",
        "baseboard-manufacturer": maker,
        "chassis-manufacturer": maker,
        "processor-version": server.cpu.model_name,
    }
    wanted = options.get("s") or options.get("string")
    if wanted:
        if wanted not in values:
            return c.say(f"Invalid string keyword: {wanted}", 2)
        c.print(values[wanted])
        return 0
    kind = options.get("t") or options.get("type") or ""
    c.print("# dmidecode 2.12", "SMBIOS 2.7 present.", "")
    if kind in ("", "bios", "0"):
        c.print(
            "Handle 0x0000, DMI type 0, 24 bytes",
            "BIOS Information",
            f"\tVendor: {values['bios-vendor']}",
            f"\tVersion: {values['bios-version']}",
            f"\tRelease Date: {values['bios-release-date']}",
            "",
        )
    if kind in ("", "system", "1"):
        c.print(
            "Handle 0x0001, DMI type 1, 27 bytes",
            "System Information",
            f"\tManufacturer: {maker}",
            f"\tProduct Name: {product}",
            f"\tSerial Number: {values['system-serial-number']}",
            f"\tUUID: {values['system-uuid']}",
            "\tWake-up Type: Power Switch",
            "",
        )
    return 0


@command("lsmod", solaris=False)
def lsmod(c: Command) -> int:
    c.print("Module                  Size  Used by")
    for name, (size, count, users) in files.modules(c.server).items():
        c.print(f"{name:<19}{size:>9}  {count} {users}".rstrip())
    return 0


@command("modprobe", "modinfo", solaris=False)
def modprobe(c: Command) -> int:
    _, names = c.options("F")
    missing = c.world.switches.extra.get("missing_modules", ())
    for name in names:
        if name in missing or (name.startswith("ocfs2") and "o2cb" in missing):
            text = (
                f"FATAL: Module {name} not found."
                if c.name == "modprobe"
                else f"could not find module {name}"
            )
            return c.say(text)
        if c.name == "modinfo":
            c.print(f"filename:       /lib/modules/{c.server.kernel}/kernel/{name}.ko")
    return 0


@command("service", "systemctl", solaris=False)
def service(c: Command) -> int:
    words = [word for word in c.args if not word.startswith("-")]
    if c.argv[0].startswith("/etc/"):  # an init script by its path
        words = [c.name, *words]
    if c.name == "systemctl":
        words.reverse()
    if len(words) < 2:
        return c.say(
            "Usage: service < option > | --status-all | [ service_name [ command | --full-restart ] ]"
        )
    return _service(c, words[0].removesuffix(".service"), words[1])


def _service(c: Command, name: str, action: str) -> int:
    if name not in SERVICES:
        return c.say(f"{name}: unrecognized service")
    if action in ("is-active", "is-enabled"):
        runs = _runs(c, name)
        c.print("active" if runs else "inactive")
        return 0 if runs else 3
    if action != "status":
        return c.say(f"Usage: /etc/init.d/{name} {{start|stop|status|restart}}", 2)
    if name == "o2cb":
        return o2cb_status(c)
    if name == "ocfs2":
        mounted = [item["path"] for item in c.server.mounts if item["kind"] == "ocfs2"]
        c.print(
            "Configured OCFS2 mountpoints: ",
            *(["Active OCFS2 mountpoints:  " + " ".join(mounted)] if mounted else []),
        )
        return 0
    if name in ("iptables", "ip6tables"):
        return _iptables_status(c)
    if not _runs(c, name):
        c.print(f"{name} is stopped")
        return 3
    c.print(f"{name} (pid  {SERVICES[name][1]}) is running...")
    return 0


def _runs(c: Command, name: str) -> bool:
    if name == "ovs-agent":
        return is_agent_up(c.world, c.server)
    if name in ("ntpd", "chronyd"):
        return c.server.is_ntp_running
    return SERVICES[name][0]


def o2cb_status(c: Command) -> int:
    """`service o2cb status` of ocfs2-tools 1.8."""
    server = c.server
    for module in ("configfs",):
        c.print(f'Driver for "{module}": Loaded', f'Filesystem "{module}": Mounted')
    c.print(
        "Stack glue driver: Loaded",
        'Stack plugin "o2cb": Loaded',
        'Driver for "ocfs2_dlmfs": Loaded',
        'Filesystem "ocfs2_dlmfs": Mounted',
    )
    if server.cluster is None or not server.is_cluster_online:
        name = server.cluster or "ocfs2"
        c.print(f'Checking O2CB cluster "{name}": Offline')
        return 0 if server.cluster is None else 3
    threshold = server.cluster_timeout_s // 2 + 1
    region = (server.poolfs or {}).get("uuid", "").replace("-", "").upper()
    c.print(
        f'Checking O2CB cluster "{server.cluster}": Online',
        f"  Heartbeat dead threshold: {threshold}",
        "  Network idle timeout: 60000",
        "  Network keepalive delay: 2000",
        "  Network reconnect delay: 2000",
        "  Heartbeat mode: Global",
        "Checking O2CB heartbeat: Active",
        f"  {region} /dev/dm-0",
        "Nodes in O2CB cluster: " + " ".join(str(node.number) for node in server.cluster_nodes),
    )
    return 0


def _iptables_status(c: Command) -> int:
    rules = [line for line in c.server.firewall if line.startswith("-A")]
    if not rules:
        c.print("iptables: Firewall is not running.")
        return 3
    c.print("Table: filter", *rules)
    return 0


@command("chkconfig", solaris=False)
def chkconfig(c: Command) -> int:
    options, names = c.options()
    if names and "list" not in options:
        return 0 if SERVICES.get(names[0], (False, 0))[0] else 1
    for name in names or sorted(SERVICES):
        if name not in SERVICES:
            return c.say(f"error reading information on service {name}: No such file or directory")
        on = SERVICES[name][0] and (name != "ntpd" or c.server.is_ntp_running)
        if name == "iptables":
            on = any(line.startswith("-A") for line in c.server.firewall)
        levels = "\t".join(f"{level}:{'on' if on and level in (2, 3, 4, 5) else 'off'}" for level in range(7))
        c.print(f"{name:<15}\t{levels}")
    return 0


@command("rpm", solaris=False)
def rpm(c: Command) -> int:
    options, names = c.options()
    packages = c.server.packages
    if "a" in options:
        wanted = [name for name in packages if not names or names[0].strip("*") in name]
        c.print(*(f"{name}-{packages[name]}.x86_64" for name in sorted(wanted)))
        return 0
    status = 0
    for name in names:
        if name in packages:
            c.print(f"{name}-{packages[name]}.x86_64")
        else:
            c.print(f"package {name} is not installed")
            status = 1
    return status


@command("ps")
def ps(c: Command) -> int:
    c.print(
        "  PID TTY          TIME CMD" if not c.args else "UID        PID  PPID  C STIME TTY          TIME CMD"
    )
    rows = [(1, "/sbin/init"), *((pid, f"/usr/sbin/{name}") for name, (_, pid) in SERVICES.items() if pid)]
    for pid, text in rows:
        c.print(f"root     {pid:>5}     1  0 Oct23 ?        00:00:01 {text}")
    return 0


@command("pgrep", "pidof", solaris=False)
def pgrep(c: Command) -> int:
    _, names = c.options()
    pids = [
        str(pid)
        for name, (_, pid) in SERVICES.items()
        if names and names[0] in name and pid and _runs(c, name)
    ]
    c.print(*pids)
    return 0 if pids else 1


@command("dmesg")
def dmesg(c: Command) -> int:
    cpu = c.server.cpu
    c.print(
        f"Linux version {c.server.kernel}",
        "Xen: using vcpuop timer interface",
        f"microcode: CPU0 sig=0x306f2, revision={cpu.microcode}",
        *c.server.files.get("/var/log/dmesg", "").splitlines(),
    )
    return 0


@command("sysctl", solaris=False)
def sysctl(c: Command) -> int:
    options, names = c.options()
    values = {
        "kernel.panic": "30",
        "kernel.panic_on_oops": "1",
        "net.ipv4.ip_forward": "0",
        "kernel.hostname": c.server.fqdn,
    }
    for name in names or (values if "a" in options else ()):
        if name not in values:
            return c.say(f'error: "{name}" is an unknown key', 255)
        c.print(values[name] if "n" in options else f"{name} = {values[name]}")
    return 0


@command("lscpu", solaris=False)
def lscpu(c: Command) -> int:
    cpu = c.server.cpu
    c.print(
        "Architecture:          x86_64",
        f"CPU(s):                {view.dom0_vcpus(c.server)}",
        f"Thread(s) per core:    {cpu.threads_per_core}",
        f"Vendor ID:             {cpu.vendor}",
        f"CPU family:            {cpu.family}",
        f"Model:                 {cpu.model}",
        f"Model name:            {cpu.model_name}",
        f"Stepping:              {cpu.stepping}",
        "Hypervisor vendor:     Xen",
        "Virtualization type:   none",
    )
    return 0


@command("ovs-agent-db")
def ovs_agent_db(c: Command) -> int:
    """`ovs-agent-db dump_db NAME` in the data base's folder: a Python dict."""
    if not c.args or c.args[0] not in ("dump_db", "list_db", "get_db"):
        return c.say("Usage: ovs-agent-db [dump_db|get_key|set_key|del_key] db_name [key] [value]", 2)
    name = (c.args[1] if len(c.args) > 1 else "server").rpartition("/")[2]
    tables = agent_tables(c.server)
    if name not in tables:
        return c.say(f"IOError: [Errno 2] No such file or directory: '/etc/ovs-agent/db/{name}'")
    c.print(python_text(tables[name]))
    return 0


def agent_tables(server: LabServer) -> dict[str, dict[str, object]]:
    """The agent's data base of a server; keys of `server` are UNCONFIRMED but for the owner (agent-rpc 13)."""
    values: dict[str, object] = {
        "registered_hostname": server.name,
        "roles": set(server.roles),
        "clustered": False,
    }
    if server.owner is not None:
        values |= {
            "manager_uuid": server.owner,
            "manager_ip": "203.0.113.250",
            "registered_ip": server.address,
        }
    if server.pool is not None:
        values |= {
            "pool_uuid": server.pool,
            "pool_alias": server.pool_alias,
            "pool_virtual_ip": server.pool_vip,
            "pool_member_ip_list": list(server.pool_members),
            "node_number": server.node_number or 0,
            "is_master": server.is_master,
            "clustered": server.cluster is not None,
            "cluster_state": "DLM_Ready" if server.is_cluster_online else "Offline",
            "cluster_name": cluster_name(server.pool) if server.cluster else "",
        }
    if server.poolfs is not None:
        values |= {
            "poolfs_type": server.poolfs["type"],
            "poolfs_target": server.poolfs["target"],
            "poolfs_uuid": server.poolfs["uuid"],
            "poolfs_nfsbase_uuid": server.poolfs["nfsbase_uuid"],
        }
    members = {address: {"registered_ip": address} for address in server.pool_members}
    repositories = {item.get("uuid", ""): dict(item) for item in server.repositories}
    pool: dict[str, object] = (
        {}
        if server.pool is None
        else {server.pool: {"pool_alias": server.pool_alias, "pool_virtual_ip": server.pool_vip}}
    )
    return {
        "server": values,
        "serverpool": pool,
        "server_pool_servers": dict(members),
        "repository": dict(repositories),
        "exports": {},
    }


def python_text(value: object) -> str:
    """A value as Python 2 prints it."""
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{python_text(key)}: {python_text(item)}" for key, item in value.items()) + "}"
        )
    if isinstance(value, set):
        return "set([" + ", ".join(python_text(item) for item in sorted(value)) + "])"
    if isinstance(value, list):
        return "[" + ", ".join(map(python_text, value)) + "]"
    return repr(value)
