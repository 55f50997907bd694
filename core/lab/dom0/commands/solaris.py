"""Commands of a Solaris control domain: psrinfo, prtdiag, kstat, ldm, svcs, pkg, dladm, ipadm, netstat."""

from __future__ import annotations

from core.lab import view
from core.lab.dom0.command import Command, command
from core.lab.operations import is_agent_up


@command("psrinfo", linux=False)
def psrinfo(c: Command) -> int:
    cpu = c.server.cpu
    options, _ = c.options()
    strands = cpu.cores_per_socket * cpu.threads_per_core
    if "p" in options:
        if "v" not in options:
            c.print(str(cpu.sockets))
            return 0
        for socket in range(cpu.sockets):
            first = socket * strands
            span = f"{strands} virtual processors ({first}-{first + strands - 1})"
            c.print(f"The physical processor has {cpu.cores_per_socket} cores and {span}")
            for core in range(cpu.cores_per_socket):
                low = first + core * cpu.threads_per_core
                c.print(
                    f"  The core has {cpu.threads_per_core} virtual processors ({low}-{low + cpu.threads_per_core - 1})"
                )
            c.print(f"    {cpu.model_name} (chipid {socket}, clock {cpu.khz // 1000} MHz)")
        return 0
    for number in range(strands * cpu.sockets):
        if "v" in options:
            c.print(
                f"Status of virtual processor {number} as of: 11/22/2026 09:00:00",
                "  on-line since 10/23/2026 09:00:00.",
                f"  The sparcv9 processor operates at {cpu.khz // 1000} MHz,",
                "        and has a sparcv9 floating point processor.",
            )
        else:
            c.print(f"{number}\ton-line   since 10/23/2026 09:00:00")
    return 0


@command("prtdiag", linux=False)
def prtdiag(c: Command) -> int:
    c.print(
        f"System Configuration:  Oracle Corporation  sun4v {view.machine(c.server)[1]}",
        f"Memory size: {c.server.memory_mib} Megabytes",
        "",
        "================================ Virtual CPUs ================================",
        "CPU ID Frequency Implementation         Status",
        f"0      {c.server.cpu.khz // 1000} MHz  {c.server.cpu.model_name}             on-line",
        "",
        "======================= FW Version =======================",
        "Sun System Firmware 9.5.2.g 2016/03/30 11:39",
    )
    return 0


@command("prtconf", linux=False)
def prtconf(c: Command) -> int:
    c.print(
        "System Configuration:  Oracle Corporation  sun4v",
        f"Memory size: {c.server.memory_mib} Megabytes",
        "System Peripherals (Software Nodes):",
        "",
        f"ORCL,{view.machine(c.server)[1].replace(' ', '-')}",
    )
    return 0


@command("kstat", linux=False)
def kstat(c: Command) -> int:
    cpu = c.server.cpu
    if "-p" in c.args:
        c.print(
            f"cpu_info:0:cpu_info0:brand\t{cpu.model_name}",
            f"cpu_info:0:cpu_info0:clock_MHz\t{cpu.khz // 1000}",
            "cpu_info:0:cpu_info0:cpu_type\tsparcv9",
            f"cpu_info:0:cpu_info0:implementation\t{cpu.model_name} (chipid 0, clock {cpu.khz // 1000} MHz)",
        )
        return 0
    c.print(
        "module: cpu_info                        instance: 0     ",
        "name:   cpu_info0                       class:    misc                          ",
        f"        brand                           {cpu.model_name}",
        "        chip_id                         0",
        f"        clock_MHz                       {cpu.khz // 1000}",
        "        cpu_type                        sparcv9",
        f"        implementation                  {cpu.model_name} (chipid 0, clock {cpu.khz // 1000} MHz)",
        "        state                           on-line",
    )
    return 0


@command("ldm", linux=False)
def ldm(c: Command) -> int:
    action = c.args[0] if c.args else ""
    if action in ("-V", "--version"):
        c.print(
            "Logical Domains Manager (v 3.4.0.0.22)",
            "\tHypervisor control protocol v 1.12",
            "\tUsing Hypervisor MD v 1.4",
            "",
            "System PROM:",
            "\tHypervisor\tv. 1.15.2\t@(#)Hypervisor 1.15.2 2016/03/23 12:03",
            "\tOpenBoot\tv. 4.38.2\t@(#)OpenBoot 4.38.2 2016/03/22 15:59",
        )
        return 0
    if action in ("list-services", "ls-services"):
        domains = c.world.switches.extra.get("service_domains", ["primary"])
        c.print(
            "VCC",
            "    NAME         LDOM         PORT-RANGE",
            *(f"    {name}-vcc0 {name}      5000-5100" for name in domains),
            "",
            "VSW",
            "    NAME         LDOM         MACADDRESS        NET-DEV",
            *(f"    0a0a0a00    {name}      00:14:4f:fb:00:01 aggr0" for name in domains),
            "",
            "VDS",
            "    NAME         LDOM         VOLUME         OPTIONS",
            *(f"    {name}-vds0 {name}" for name in domains),
        )
        return 0
    if action in ("list", "ls", "list-domain"):
        total, memory = view.logical_cpus(c.server), c.server.memory_mib // 1024
        c.print(
            "NAME             STATE      FLAGS   CONS    VCPU  MEMORY   UTIL  NORM  UPTIME",
            f"primary          active     -n-cv-  UART    {total:<5} {memory}G     0.2%  0.2%  30d 2h",
            *(
                f"{name:<16} active     -n----  5000    8     8G       0.1%  0.1%  10d"
                for name in c.server.guests
            ),
        )
        return 0
    return c.say("usage: ldm [--help|-h] [-V] subcommand", 2)


SMF = {
    "ovs-agent": "svc:/application/management/ovs-agent:default",
    "ntp": "svc:/network/ntp:default",
    "ldmd": "svc:/ldoms/ldmd:default",
    "ssh": "svc:/network/ssh:default",
    "dlm": "svc:/system/dlm:default",
    "ovs-dlm": "svc:/system/dlm:default",
}


@command("svcs", linux=False)
def svcs(c: Command) -> int:
    options, names = c.options("o")
    header = "H" not in options
    if header:
        c.print("STATE          STIME    FMRI")
    for name in names or SMF:
        if name.rpartition("/")[2].partition(":")[0] not in SMF:
            return c.say(f"svcs: Pattern '{name}' doesn't match any instances")
        short = name.rpartition("/")[2].partition(":")[0]
        up = {"ovs-agent": is_agent_up(c.world, c.server), "ntp": c.server.is_ntp_running}.get(short, True)
        c.print(f"{'online' if up else 'disabled':<14} Oct_23   {SMF[short]}")
    return 0


@command("svcadm", "svccfg", "svcprop", linux=False)
def svcadm(c: Command) -> int:
    return c.say(f"{c.name}: Permission denied.")


@command("pkg", linux=False)
def pkg(c: Command) -> int:
    packages = {
        "entire": "0.5.11-0.175.3.20.0.5.0",
        "system/dlm": "0.5.11-3.4",
        "system/ldoms/ldomsmanager": "3.4.0.0.22-0.175.3",
        "ovm/ovs-agent": c.server.agent_version,
    }
    for name in c.world.switches.extra.get("missing_packages", ()):
        packages.pop(name, None)
    if c.args[:1] == ["publisher"]:
        c.print(
            "PUBLISHER                   TYPE     STATUS P LOCATION",
            "solaris                     origin   online F http://pkg.lab.example/",
            "ovm                         origin   online F http://pkg.lab.example/ovm/",
        )
        return 0
    _, names = c.options()
    wanted = [
        name for name in packages if not names[1:] or any(item.strip("*") in name for item in names[1:])
    ]
    if not wanted:
        return c.say(f"pkg list: no packages matching '{' '.join(names[1:])}' installed")
    c.print(
        "NAME (PUBLISHER)                                  VERSION                    IFO",
        *(f"{name:<49} {packages[name]:<26} i--" for name in sorted(wanted)),
    )
    return 0


@command("dladm", linux=False)
def dladm(c: Command) -> int:
    action = c.args[0] if c.args else "show-link"
    show = {"show-aggr": _aggregations, "show-phys": _ports}.get(action, _links)
    c.print(*show(c))
    return 0


def _aggregations(c: Command) -> list[str]:
    lines = ["LINK              MODE  POLICY   ADDRPOLICY           LACPACTIVITY LACPTIMER"]
    for item in c.server.interfaces:
        if item.kind == "bond":
            activity = "active" if item.bond_mode == 4 else "off"
            lines.append(f"{item.name:<17} trunk L4       auto                 {activity:<12} short")
    return lines


def _ports(c: Command) -> list[str]:
    lines = ["LINK            MEDIA         STATE      SPEED  DUPLEX    DEVICE"]
    for at, item in enumerate(c.server.interfaces):
        if item.kind == "nic":
            state = "up" if item.is_up else "down"
            lines.append(
                f"{item.name:<15} Ethernet      {state:<10} {item.speed_mbps:<6} full      ixgbe{at}"
            )
    return lines


def _links(c: Command) -> list[str]:
    lines = ["LINK                CLASS     MTU    STATE    OVER"]
    for item in c.server.interfaces:
        kind, state = "aggr" if item.kind == "bond" else "phys", "up" if item.is_up else "down"
        lines.append(f"{item.name:<19} {kind:<9} {item.mtu:<6} {state:<8} {' '.join(item.ports) or '--'}")
    return lines


@command("ipadm", linux=False)
def ipadm(c: Command) -> int:
    options, _ = c.options("o")
    rows = [("lo0/v4", "static", "ok", "127.0.0.1/8")]
    rows += [
        (f"{item.name}/v4", "static", "ok", f"{item.address}/{item.prefix}")
        for item in c.server.interfaces
        if item.address
    ]
    mine = view.management(c.server)
    if c.server.has_vip and mine is not None:
        rows.append((f"{mine.name}/vip", "static", "ok", f"{c.server.pool_vip}/{mine.prefix}"))
    if "p" in options:
        columns = {"addrobj": 0, "type": 1, "state": 2, "addr": 3}
        wanted = [
            columns[name]
            for name in options.get("o", "addrobj,type,state,addr").split(",")
            if name in columns
        ]
        c.print(*(":".join(row[at].replace(":", "\\:") for at in wanted) for row in rows))
        return 0
    c.print(
        "ADDROBJ           TYPE     STATE        ADDR",
        *(f"{a:<17} {b:<8} {s:<12} {d}" for a, b, s, d in rows),
    )
    return 0


@command("netstat", linux=False)
def netstat_solaris(c: Command) -> int:
    if "-rn" in c.args or "-r" in c.args:
        c.print(
            "",
            "Routing Table: IPv4",
            "  Destination           Gateway           Flags  Ref     Use     Interface ",
            "-------------------- -------------------- ----- ----- ---------- --------- ",
            f"default              {c.server.gateway:<20} UG        3     120310           ",
        )
        for item in c.server.interfaces:
            if item.address:
                network = f"{view.subnet(item).network_address!s:<20}"
                c.print(f"{network} {item.address:<20} U         4      41033 {item.name:<10}")
        return 0
    c.print(
        "",
        "TCP: IPv4",
        "   Local Address        Remote Address    Swind Send-Q Rwind Recv-Q    State",
        "-------------------- -------------------- ----- ------ ----- ------ -----------",
        *(
            ["      *.8899               *.*                 0      0 128000      0 LISTEN"]
            if is_agent_up(c.world, c.server)
            else []
        ),
    )
    return 0


@command("ifconfig", linux=False)
def ifconfig_solaris(c: Command) -> int:
    for at, item in enumerate(c.server.interfaces, start=2):
        if item.address:
            mask = f"{int(view.subnet(item).netmask):x}"
            c.print(
                f"{item.name}: flags=1000843<UP,BROADCAST,RUNNING,MULTICAST,IPv4> mtu {item.mtu} index {at}",
                f"\tinet {item.address} netmask {mask} broadcast {view.subnet(item).broadcast_address}",
                f"\tether {item.mac}",
            )
    return 0


@command("isainfo", linux=False)
def isainfo(c: Command) -> int:
    c.print(
        f"64-bit sparcv9 applications\n        {c.server.cpu.flags}" if "-v" in c.args else "sparcv9 sparc"
    )
    return 0


@command("zpool", "zfs", "swap", linux=False)
def zfs(c: Command) -> int:
    c.print(
        "NAME    SIZE  ALLOC   FREE  CAP  DEDUP  HEALTH  ALTROOT",
        "rpool   556G  61.2G   495G  11%  1.00x  ONLINE  -",
    )
    return 0


@command("sharectl", "dlmcconf", linux=False)
def sharectl(c: Command) -> int:
    if c.name == "sharectl":
        c.print("server_versmin=2", "server_versmax=4", "server_delegation=off")
    return 0


@command("arp", linux=False)
def arp(c: Command) -> int:
    address = c.args[-1] if c.args else ""
    owner = view.address_owner(c.world, address)
    if owner is None or owner[1] is c.server:
        return c.say(f"{address} ({address}) -- no entry", 1)
    mac = ":".join(f"{int(part, 16):x}" for part in owner[0].split(":"))
    c.print(f"{address} ({address}) at {mac}")
    return 0
