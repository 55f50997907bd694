"""Xen's tools: xm on 3.2 and 3.3, xl on 3.4; info, list, dmesg."""

from __future__ import annotations

from core.lab import view
from core.lab.agent.documents.server import xen_capabilities
from core.lab.dom0 import files
from core.lab.dom0.command import Command, command


@command("xm", solaris=False)
def xm(c: Command) -> int:
    """The old tool; 3.4 has it no more."""
    if c.server.release.startswith("3.4"):
        return c.say("bash: xm: command not found", 127)
    return _tool(c)


@command("xl", solaris=False)
def xl(c: Command) -> int:
    """The new tool; 3.2 and 3.3 run xend, where it refuses to work."""
    if view.is_el5(c.server):
        return c.say("bash: xl: command not found", 127)
    if c.server.release.startswith("3.3"):
        return c.say(
            "xend is running, which may cause unpredictable results when using\n"
            "this xl command.  Please shut down xend before continuing."
        )
    return _tool(c)


def _tool(c: Command) -> int:
    action = next((word for word in c.args if not word.startswith("-")), "")
    if action == "info":
        return _info(c)
    if action == "list":
        return _list(c)
    if action == "dmesg":
        c.print(
            f"(XEN) Xen version {c.server.xen[0]}.{c.server.xen[1]}{c.server.xen[2]}",
            f"(XEN) Command line: {files.xen_command_line(c.server)}",
        )
        return 0
    if action == "vcpu-list":
        c.print(
            "Name                                ID  VCPU   CPU State   Time(s) CPU Affinity",
            "Domain-0                             0     0    0   r--    4120.1  all",
        )
        return 0
    return c.say(
        f"{c.name}: command {action!r} is not known to this lab"
        if action
        else f"Usage {c.name} [-vf] <subcommand> [args]",
        2,
    )


def _info(c: Command) -> int:
    server, cpu = c.server, c.server.cpu
    major, minor, extra = server.xen
    compiler, date = view.xen_build(server)
    words = [word.removeprefix("0x") for word in cpu.hw_caps]
    values = {
        "host": server.fqdn,
        "release": server.kernel,
        "version": view.kernel_build(server),
        "machine": "x86_64",
        "nr_cpus": view.logical_cpus(server),
        "max_cpu_id": view.logical_cpus(server) - 1,
        "nr_nodes": cpu.sockets,
        "cores_per_socket": cpu.cores_per_socket,
        "threads_per_core": cpu.threads_per_core,
        "cpu_mhz": cpu.khz // 1000,
        "hw_caps": ":".join(words),
        "virt_caps": "hvm hvm_directio" if cpu.has_hvm else "",
        "total_memory": server.memory_mib,
        "free_memory": server.free_memory_mib,
        "sharing_freed_memory": 0,
        "sharing_used_memory": 0,
        "outstanding_claims": 0,
        "free_cpus": 0,
        "xen_major": major,
        "xen_minor": minor,
        "xen_extra": extra,
        "xen_version": f"{major}.{minor}{extra}",
        "xen_caps": xen_capabilities(server) + " ",
        "xen_scheduler": "credit",
        "xen_pagesize": 4096,
        "platform_params": "virt_start=0xffff800000000000",
        "xen_changeset": "unavailable",
        "xen_commandline": files.xen_command_line(server),
        "cc_compiler": compiler,
        "cc_compile_by": "mockbuild",
        "cc_compile_domain": "us.oracle.com",
        "cc_compile_date": date,
        "xend_config_format": 4,
    }
    if c.name == "xm":
        for name in ("sharing_freed_memory", "sharing_used_memory", "outstanding_claims", "xen_version"):
            del values[name]
    c.print(*(f"{name:<23}: {value}" for name, value in values.items()))
    return 0


def _list(c: Command) -> int:
    words = [word for word in c.args if not word.startswith("-")][1:]
    dom0 = ("Domain-0", 0, view.dom0_memory_mib(c.server), view.dom0_vcpus(c.server), "r-----", 4120.1)
    rows = [
        dom0,
        *((name, number, 2048, 2, "-b----", 12.4) for number, name in enumerate(c.server.guests, start=1)),
    ]
    chosen = [row for row in rows if not words or row[0] in words or str(row[1]) in words]
    if words and not chosen:
        return c.say(f"{words[0]} is an invalid domain identifier (rc=-6)")
    c.print("Name                                        ID   Mem VCPUs\tState\tTime(s)")
    for name, number, memory, vcpus, state, seconds in chosen:
        c.print(f"{name:<40} {number:>5} {memory:>5} {vcpus:>5}     {state} {seconds:>9.1f}")
    return 0
