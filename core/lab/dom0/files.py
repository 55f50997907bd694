"""The files of an x86 dom0 that operators and checks read, rendered from the world."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from core.lab import view
from core.lab.agent.documents.cluster import o2cb_values
from core.lab.dom0 import disks
from core.lab.dom0.vfs import Entry, provider
from core.lab.operations import cluster_conf, network_metadata
from core.lab.world import LabInterface, LabServer, World

MULTIPATH_CONF = """# multipath.conf of Oracle VM Server
defaults {
\tudev_dir                /dev
\tuser_friendly_names     no
\tgetuid_callout          "/lib/udev/scsi_id -g -u -d /dev/%n"
\tpath_grouping_policy    failover
\tpath_checker            directio
\tfailback                immediate
\tno_path_retry           60
}
blacklist {
\tdevnode "^(ram|raw|loop|fd|md|dm-|sr|scd|st|nbd|xvd|tbd)[0-9]*"
\tdevice {
\t\tvendor  "LSI"
\t\tproduct "*"
\t}
}
devices {
\tdevice {
\t\tvendor                  "LAB"
\t\tproduct                 "SHAREDLUN"
\t\tpath_grouping_policy    multibus
\t\tno_path_retry           60
\t}
}
"""
XEND_CONFIG = """(xend-relocation-server yes)
(xend-relocation-ssl-server yes)
(xend-unix-server yes)
(xend-relocation-port 8002)
(xend-relocation-server-ssl-port 8003)
(xend-relocation-address '')
(xend-relocation-hosts-allow '')
"""


def xen_command_line(server: LabServer) -> str:
    """Xen's boot options (server-pools R107, R108)."""
    memory = view.dom0_memory_mib(server)
    vcpus = view.dom0_vcpus(server)
    return f"dom0_mem=max:{memory}M allowsuperpage gnttab_max_frames=64 dom0_vcpus_pin dom0_max_vcpus={vcpus}"


def kernel_command_line(server: LabServer) -> str:
    return "ro root=UUID=5a6b3c2d-91c7-4d1e-8d0a-0a1b2c3d4e5f rd_NO_LUKS LANG=en_US.UTF-8 console=tty0 quiet"


@provider
def linux_files(world: World, server: LabServer) -> dict[str, Entry]:
    """Everything but devices; nothing on a control domain of Solaris."""
    if view.is_sparc(server):
        return {}
    texts: dict[str, Callable[[], str]] = {
        "/etc/hosts": lambda: _lines(*view.hosts_lines(server)),
        "/etc/ovs-release": lambda: f"Oracle VM server release {server.release.partition('-')[0]}\n",
        "/etc/ovs-info": partial(_ovs_info, server),
        "/etc/oracle-release": lambda: (
            f"Oracle Linux Server release {'.'.join(map(str, server.os_version))}\n"
        ),
        "/etc/enterprise-release": lambda: f"Oracle VM server release {server.release.partition('-')[0]}\n",
        "/etc/redhat-release": lambda: f"Oracle VM server release {server.release.partition('-')[0]}\n",
        "/etc/ovs-agent/agent.ini": partial(_agent_ini, world),
        "/etc/ovs-agent/cert/certificate.pem": lambda: "",
        "/etc/sysconfig/network": lambda: _lines(
            "NETWORKING=yes", "NETWORKING_IPV6=no", f"HOSTNAME={server.fqdn}", f"GATEWAY={server.gateway}"
        ),
        "/etc/sysconfig/o2cb": partial(_o2cb, server),
        "/etc/multipath.conf": lambda: MULTIPATH_CONF,
        "/etc/iscsi/initiatorname.iscsi": lambda: f"InitiatorName={server.initiator}\n",
        "/etc/iscsi/iscsid.conf": lambda: _lines(
            "node.startup = automatic", "node.session.timeo.replacement_timeout = 120"
        ),
        "/etc/ntp.conf": partial(_ntp_conf, server),
        "/etc/resolv.conf": lambda: _lines(f"search {server.domain}", f"nameserver {world.dns_address}"),
        "/etc/nsswitch.conf": lambda: _lines(
            "passwd:     files",
            "shadow:     files",
            "group:      files",
            "hosts:      files dns",
            "networks:   files",
        ),
        "/etc/xen/xend-config.sxp": lambda: XEND_CONFIG,
        "/etc/passwd": lambda: (
            "root:x:0:0:root:/root:/bin/bash\noracle:x:54321:54321::/home/oracle:/bin/bash\n"
        ),
        "/etc/fstab": lambda: (
            "/dev/sda2 / ext4 defaults 1 1\n/dev/sda1 /boot ext4 defaults 1 2\n/dev/sda3 swap swap defaults 0 0\n"
        ),
        "/etc/exports": lambda: "",
        "/etc/timezone": lambda: f"{server.time_zone}\n",
        "/etc/sysconfig/clock": lambda: f'ZONE="{server.time_zone}"\nUTC=true\n',
        "/boot/grub/grub.conf": lambda: (
            f"title Oracle VM Server\n\troot (hd0,0)\n\tkernel /xen.gz {xen_command_line(server)}\n"
            f"\tmodule /vmlinuz-{server.kernel} {kernel_command_line(server)}\n"
        ),
        "/proc/cpuinfo": partial(_cpuinfo, server),
        "/proc/meminfo": partial(_meminfo, server),
        "/proc/mounts": partial(_mounts, world, server),
        "/proc/cmdline": lambda: kernel_command_line(server) + "\n",
        "/proc/version": lambda: (
            f"Linux version {server.kernel} (mockbuild@build) (gcc version 4.4.7 20120313 (Red Hat 4.4.7-18) (GCC) )"
            f" {view.kernel_build(server)}\n"
        ),
        "/proc/uptime": lambda: f"{view.now(world, server) - view.boot_time(world, server):.2f} 4100.00\n",
        "/proc/loadavg": lambda: "0.02 0.04 0.05 1/412 4242\n",
        "/proc/swaps": lambda: _lines(
            "Filename\t\t\t\tType\t\tSize\tUsed\tPriority",
            "/dev/sda3                               partition\t8388604\t0\t-1",
        ),
        "/proc/partitions": partial(_partitions, world, server),
        "/proc/modules": partial(_modules, server),
        "/proc/filesystems": lambda: "nodev\tsysfs\nnodev\tproc\nnodev\tnfs\n\text4\n\tocfs2\n",
        "/proc/xen/capabilities": lambda: "control_d\n",
        "/proc/sys/kernel/hostname": lambda: f"{server.fqdn}\n",
        "/proc/sys/kernel/panic": lambda: "30\n",
        "/proc/sys/kernel/panic_on_oops": lambda: "1\n",
        "/proc/sys/net/ipv4/ip_forward": lambda: "0\n",
        "/sys/hypervisor/type": lambda: "xen\n",
        "/sys/hypervisor/version/major": lambda: f"{server.xen[0]}\n",
        "/sys/hypervisor/version/minor": lambda: f"{server.xen[1]}\n",
        "/sys/hypervisor/version/extra": lambda: f"{server.xen[2]}\n",
        "/sys/class/dmi/id/product_uuid": lambda: f"{dmi_uuid(server)}\n",
        "/sys/class/dmi/id/product_name": lambda: f"{view.machine(server)[1]}\n",
        "/sys/class/dmi/id/sys_vendor": lambda: f"{view.machine(server)[0]}\n",
        "/sys/class/dmi/id/bios_version": lambda: f"{server.bios_version}\n",
        "/var/log/ovs-agent.log": partial(_agent_log, server),
        "/var/log/messages": lambda: "",
        "/var/run/ntpd.pid": lambda: "2101\n",
    }
    if server.cluster is not None:
        texts["/etc/ocfs2/cluster.conf"] = lambda: cluster_conf(server)
    for interface in server.interfaces:
        if interface.kind == "bond":
            texts[f"/proc/net/bonding/{interface.name}"] = partial(_bonding, server, interface)
        texts.update(_interface_files(world, server, interface))
    texts.update(_configfs(server))
    found = {path: Entry(text=text) for path, text in texts.items()}
    for name in ("server", "repository", "aproc", "event", "exports", "node_number"):
        found[f"/etc/ovs-agent/db/{name}"] = Entry(data=b"\0" * 64, size=12288)
    for folder in (
        "/tmp",
        "/mnt",
        "/root",
        "/OVS/Repositories",
        "/nfsmnt",
        "/poolfsmnt",
        "/var/tmp",
        "/sys/kernel/config",
        "/etc/ocfs2",
        "/sys/class/sas_end_device",
        "/sys/class/fc_host",
        "/dlm",
        "/var/run",
    ):
        found[folder] = Entry("dir")
    for index in range(2):
        wwn = f"0x21000024ff{server.uuid.replace(':', '')[:5]}{index}"
        found[f"/sys/class/fc_host/host{index + 1}/port_name"] = Entry(text=partial(str, wwn + "\n"))
        found[f"/sys/class/fc_host/host{index + 1}/port_state"] = Entry(data=b"Online\n")
    for mount in server.mounts:
        if mount["kind"] == "ocfs2":
            for name in ("db", "lock", "lost+found"):
                found[f"{mount['path']}/{name}"] = Entry("dir")
    return found


@provider
def solaris_files(world: World, server: LabServer) -> dict[str, Entry]:
    """The few files of a control domain that matter."""
    if not view.is_sparc(server):
        return {}
    texts = {
        "/etc/hosts": _lines(*view.hosts_lines(server)),
        "/etc/release": _lines(
            "                            Oracle Solaris 11.3 SPARC",
            "  Copyright (c) 1983, 2017, Oracle.  All rights reserved.",
        ),
        "/etc/ovs-release": f"Oracle VM server release {server.release.partition('-')[0]}\n",
        "/etc/resolv.conf": _lines(f"search {server.domain}", f"nameserver {world.dns_address}"),
        "/etc/nsswitch.conf": _lines("hosts: files dns", "passwd: files"),
        "/etc/nodename": f"{server.name}\n",
        "/etc/inet/ntp.conf": _ntp_conf(server),
        "/etc/ovs-agent/agent.ini": _agent_ini(world),
        "/etc/mnttab": "".join(
            f"{item['device']}\t{item['path']}\t{item['kind']}\t{item['options']}\t1447000000\n"
            for item in view.all_mounts(world, server)
        ),
        "/var/log/ovs-agent.log": _agent_log(server),
    }
    found = {path: Entry(data=text.encode()) for path, text in texts.items()}
    found["/etc/ovs-agent/db/server"] = Entry(data=b"\0" * 64, size=12288)
    for folder in ("/tmp", "/mnt", "/root", "/nfsmnt", "/var/tmp"):
        found[folder] = Entry("dir")
    return found


def dmi_uuid(server: LabServer) -> str:
    """The server's id in dmidecode's form."""
    raw = server.uuid.replace(":", "").upper()
    return f"{raw[:8]}-{raw[8:12]}-{raw[12:16]}-{raw[16:20]}-{raw[20:]}"


def _lines(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


def _ovs_info(server: LabServer) -> str:
    version, _, build = server.release.partition("-")
    return _lines(f"release: {version}", f"date: 201904{build[:2]}0859", f"build: {build}")


def _agent_ini(world: World) -> str:
    ssl = "disable" if world.switches.plain_http else "enable"
    return _lines(
        "[server]",
        "host=0.0.0.0",
        "port=8899",
        f"ssl={ssl}",
        "sslcert=/etc/ovs-agent/cert/certificate.pem",
        "sslkey=/etc/ovs-agent/cert/key.pem",
    )


def _o2cb(server: LabServer) -> str:
    if server.cluster is None:
        return _lines(
            "O2CB_ENABLED=false",
            "O2CB_STACK=o2cb",
            "O2CB_BOOTCLUSTER=ocfs2",
            "O2CB_HEARTBEAT_THRESHOLD=31",
            "O2CB_IDLE_TIMEOUT_MS=30000",
            "O2CB_KEEPALIVE_DELAY_MS=2000",
            "O2CB_RECONNECT_DELAY_MS=2000",
        )
    return _lines(*(f"{name}={value}" for name, value in o2cb_values(server).items()))


def _ntp_conf(server: LabServer) -> str:
    servers = [
        f"server {item}\nfudge  {item} stratum 10" if item.startswith("127.127.") else f"server {item} iburst"
        for item in server.ntp_servers
    ]
    return _lines(
        "driftfile /var/lib/ntp/drift",
        "restrict default kod nomodify notrap nopeer noquery",
        "restrict 127.0.0.1",
        *servers,
        "keys /etc/ntp/keys",
    )


def _cpuinfo(server: LabServer) -> str:
    cpu = server.cpu
    blocks = []
    for number in range(view.dom0_vcpus(server)):
        core = number // cpu.threads_per_core % cpu.cores_per_socket
        socket = number // (cpu.threads_per_core * cpu.cores_per_socket)
        blocks.append(
            _lines(
                f"processor\t: {number}",
                f"vendor_id\t: {cpu.vendor}",
                f"cpu family\t: {cpu.family}",
                f"model\t\t: {cpu.model}",
                f"model name\t: {cpu.model_name}",
                f"stepping\t: {cpu.stepping}",
                *([] if view.is_el5(server) and not cpu.microcode else [f"microcode\t: {cpu.microcode}"]),
                f"cpu MHz\t\t: {cpu.khz / 1000:.3f}",
                f"cache size\t: {cpu.cache_kib} KB",
                f"physical id\t: {socket}",
                f"siblings\t: {cpu.cores_per_socket * cpu.threads_per_core}",
                f"core id\t\t: {core}",
                f"cpu cores\t: {cpu.cores_per_socket}",
                f"apicid\t\t: {number}",
                f"initial apicid\t: {number}",
                "fpu\t\t: yes",
                "fpu_exception\t: yes",
                "cpuid level\t: 13",
                "wp\t\t: yes",
                f"flags\t\t: {cpu.flags}",
                f"bogomips\t: {cpu.khz / 500:.2f}",
                "clflush size\t: 64",
                "cache_alignment\t: 64",
                "address sizes\t: 46 bits physical, 48 bits virtual",
                "power management:",
                "",
            )
        )
    return "".join(blocks)


def _meminfo(server: LabServer) -> str:
    total = view.dom0_memory_mib(server) * 1024 - 180000
    values = {
        "MemTotal": total,
        "MemFree": total * 7 // 10,
        "MemAvailable": total * 8 // 10,
        "Buffers": total // 40,
        "Cached": total // 10,
        "SwapCached": 0,
        "SwapTotal": 8388604,
        "SwapFree": 8388604,
        "Dirty": 12,
    }
    if not server.kernel.startswith("4."):
        del values["MemAvailable"]
    return _lines(*(f"{name + ':':<16}{value:>8} kB" for name, value in values.items()))


def _mounts(world: World, server: LabServer) -> str:
    return _lines(
        *(
            f"{item['device']} {item['path']} {item['kind']} {item['options']} 0 0"
            for item in view.all_mounts(world, server)
        )
    )


def _partitions(world: World, server: LabServer) -> str:
    rows = ["major minor  #blocks  name", ""]
    rows += [
        f"{item.number[0]:>4} {item.number[1]:>8} {item.size_bytes // 1024:>10} {item.name}"
        for item in disks.devices(world, server)
    ]
    return _lines(*rows)


def modules(server: LabServer) -> dict[str, tuple[int, int, str]]:
    """Loaded modules: size, use count, users."""
    base = {
        "nfs": (302418, 0, ""),
        "lockd": (79321, 1, "nfs"),
        "sunrpc": (243822, 7, "nfs,lockd"),
        "bonding": (126779, 0, ""),
        "dm_multipath": (22710, 1, ""),
        "xen_netback": (31811, 0, ""),
        "xen_blkback": (28131, 0, ""),
        "bridge": (81021, 0, ""),
        "ixgbe": (230517, 0, ""),
        "igb": (160313, 0, ""),
        "qla2xxx": (540912, 4, ""),
        "iscsi_tcp": (18333, 0, ""),
    }
    if server.is_cluster_online:
        base.update(
            {
                "ocfs2": (1046391, 1, ""),
                "ocfs2_dlm": (229120, 1, "ocfs2_stack_o2cb"),
                "ocfs2_stack_o2cb": (16384, 1, ""),
                "ocfs2_dlmfs": (26411, 1, ""),
                "ocfs2_stackglue": (20321, 3, "ocfs2,ocfs2_dlmfs,ocfs2_stack_o2cb"),
                "ocfs2_nodemanager": (221341, 12, "ocfs2,ocfs2_dlm,ocfs2_dlmfs,ocfs2_stack_o2cb"),
                "configfs": (33180, 2, "ocfs2_nodemanager"),
            }
        )
    return base


def _modules(server: LabServer) -> str:
    return _lines(
        *(
            f"{name} {size} {count} {users + ',' if users else '-'} Live 0xffffffffa0000000"
            for name, (size, count, users) in modules(server).items()
        )
    )


def _bonding(server: LabServer, bond: LabInterface) -> str:
    slaves = [item for item in server.interfaces if item.name in bond.ports]
    names = {
        1: "fault-tolerance (active-backup)",
        4: "IEEE 802.3ad Dynamic link aggregation",
        6: "adaptive load balancing",
    }
    active = next((item for item in slaves if item.is_up), None)
    lines = [
        "Ethernet Channel Bonding Driver: v3.7.1 (April 27, 2011)",
        "",
        f"Bonding Mode: {names.get(bond.bond_mode, 'load balancing (round-robin)')}",
    ]
    if bond.bond_mode != 4 and slaves:
        lines += [
            f"Primary Slave: {slaves[0].name} (primary_reselect always)",
            f"Currently Active Slave: {active.name if active else 'None'}",
        ]
    lines += [
        f"MII Status: {'up' if active else 'down'}",
        "MII Polling Interval (ms): 250",
        "Up Delay (ms): 500",
        "Down Delay (ms): 500",
    ]
    for item in slaves:
        lines += [
            "",
            f"Slave Interface: {item.name}",
            f"MII Status: {'up' if item.is_up else 'down'}",
            f"Speed: {item.speed_mbps} Mbps" if item.is_up else "Speed: Unknown",
            "Duplex: full" if item.is_up else "Duplex: Unknown",
            f"Link Failure Count: {0 if item.is_up else 1}",
            f"Permanent HW addr: {item.mac}",
            "Slave queue ID: 0",
        ]
    return _lines(*lines)


def _interface_files(world: World, server: LabServer, item: LabInterface) -> dict[str, Callable[[], str]]:
    base = f"/sys/class/net/{item.name}"
    speed = item.speed_mbps if item.is_up else -1
    files: dict[str, Callable[[], str]] = {
        f"/etc/sysconfig/network-scripts/ifcfg-{item.name}": partial(_ifcfg, server, item),
        f"{base}/address": partial(str, f"{item.mac}\n"),
        f"{base}/mtu": partial(str, f"{item.mtu}\n"),
        f"{base}/operstate": partial(str, "up\n" if item.is_up else "down\n"),
        f"{base}/carrier": partial(str, f"{int(item.is_up)}\n"),
        f"{base}/speed": partial(str, f"{speed}\n"),
        f"{base}/duplex": partial(str, "full\n"),
    }
    tag = item.metadata or network_metadata(world, item)
    if tag:
        files[f"/etc/sysconfig/network-scripts/meta-{item.name}"] = partial(str, f"METADATA={tag}\n")
    if item.kind == "bridge":
        for port in item.ports:
            files[f"{base}/brif/{port}/state"] = partial(str, "3\n")
    if item.kind == "bond":
        files[f"{base}/bonding/slaves"] = partial(str, " ".join(item.ports) + "\n")
    return files


def _ifcfg(server: LabServer, item: LabInterface) -> str:
    proto = item.boot_proto or ("static" if item.address else "none")
    lines = [
        "#This file was dynamically created by Oracle VM Manager. Please do not edit" if server.owner else "",
        f"DEVICE={item.name}",
    ]
    owner = view.master_of(server, item)
    if item.kind == "nic":
        lines.append(f"HWADDR={item.mac.upper()}")
    if item.kind == "bridge":
        lines += ["TYPE=Bridge", "DELAY=0"]
    if item.kind == "bond":
        primary = f" primary={item.ports[0]} primary_reselect=0" if item.bond_mode == 1 and item.ports else ""
        lines.append(
            f'BONDING_OPTS="debug=3 mode={item.bond_mode} miimon=250 use_carrier=1 updelay=500 downdelay=500{primary}"'
        )
    if owner is not None:
        lines += [f"MASTER={owner.name}", "SLAVE=yes"] if owner.kind == "bond" else [f"BRIDGE={owner.name}"]
    lines += [f"BOOTPROTO={proto}", "ONBOOT=yes", "NM_CONTROLLED=no"]
    if item.mtu != 1500:
        lines.append(f"MTU={item.mtu}")
    if item.address is not None:
        lines += [f"IPADDR={item.address}", f"NETMASK={view.subnet(item).netmask}"]
    return _lines(*(line for line in lines if line))


def _configfs(server: LabServer) -> dict[str, Callable[[], str]]:
    if not server.is_cluster_online or server.cluster is None:
        return {}
    base = f"/sys/kernel/config/cluster/{server.cluster}"
    values = o2cb_values(server)
    region = (server.poolfs or {}).get("uuid", "").replace("-", "").upper()
    files: dict[str, Callable[[], str]] = {
        f"{base}/idle_timeout_ms": partial(str, values["O2CB_IDLE_TIMEOUT_MS"] + "\n"),
        f"{base}/keepalive_delay_ms": partial(str, values["O2CB_KEEPALIVE_DELAY_MS"] + "\n"),
        f"{base}/reconnect_delay_ms": partial(str, values["O2CB_RECONNECT_DELAY_MS"] + "\n"),
        f"{base}/heartbeat/mode": partial(str, "global\n"),
        f"{base}/heartbeat/dead_threshold": partial(str, values["O2CB_HEARTBEAT_THRESHOLD"] + "\n"),
        f"{base}/heartbeat/{region}/dev": partial(str, "dm-0\n"),
    }
    for node in server.cluster_nodes:
        files[f"{base}/node/{node.name}/num"] = partial(str, f"{node.number}\n")
        files[f"{base}/node/{node.name}/ipv4_address"] = partial(str, f"{node.address}\n")
        files[f"{base}/node/{node.name}/ipv4_port"] = partial(str, "7777\n")
        files[f"{base}/node/{node.name}/local"] = partial(str, f"{int(node.name == server.name)}\n")
    return files


def _agent_log(server: LabServer) -> str:
    return _lines(
        "[2026-11-16 09:02:11 2042] INFO (ovs-agent:44) Starting OVS agent",
        f"[2026-11-16 09:02:12 2042] DEBUG (service:75) agent version {server.agent_version}",
    )
