"""What a server's own system tells, from the sections of a batch: generic Linux and Solaris, and Oracle VM's files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from core.facts.probe import Observed, Probe
from core.platforms.oracle_vm.probes import dom0_machine as machine
from core.platforms.oracle_vm.probes import dom0_network as network
from core.platforms.oracle_vm.probes import dom0_roles as roles
from core.platforms.oracle_vm.probes import dom0_storage as disks
from core.platforms.oracle_vm.probes.sections import Sections


def _probe(source: str, fields: str, read: Callable[[Sections], Mapping[str, Any]]) -> Probe[Sections]:
    return Probe(f"ssh {source}", tuple(fields.split()), read, "ssh")


PROBES: tuple[Probe[Sections], ...] = (
    _probe("uname -r", "kernel", machine.read_kernel),
    _probe("hostname", "hostname", network.read_hostname),
    _probe("cat /etc/hosts", "loopback_names", network.read_loopback),
    _probe("ip addr", "addresses", network.read_addresses),
    _probe("ip link", "interfaces", network.read_interfaces),
    _probe("ip route", "default_gateway", network.read_gateway),
    _probe("cat /proc/mounts", "mounts", disks.read_mounts),
    _probe("iptables -S", "firewall_rules", network.read_firewall),
    _probe("cat initiatorname.iscsi", "initiator", disks.read_initiator),
    _probe("cat /etc/ntp.conf", "ntp_servers", network.read_ntp),
    _probe("grep meta-*", "network_tags", network.read_network_tags),
    _probe("dmidecode", "server_uuid", machine.read_uuid),
    _probe("cat /etc/ovs-release", "release ovm_version", roles.read_release),
    _probe("cat /proc/cpuinfo", "cpu", machine.read_cpu),
    _probe("xl info", "memory_mib free_memory_mib", machine.read_memory),
    _probe("xl info", "hypervisor vmm_capabilities", machine.read_hypervisor),
    _probe("xl list", "running_guests", machine.read_guests),
    _probe("ovs-agent-db dump_db server", "owner pool_id pool_alias registered_ip", roles.read_agent_db),
    _probe("cat cluster.conf", "stored_cluster", roles.read_cluster),
    _probe("cat /etc/sysconfig/o2cb", "o2cb", roles.read_o2cb),
    _probe("service o2cb status", "cluster_running", roles.read_cluster_status),
    _probe("cat resolv.conf", "dns_servers name_sources", network.read_resolver),
    _probe("ntpq -pn", "ntp_peers ntp_is_running", network.read_ntp_peers),
    _probe("cat /proc/net/bonding", "bonds", network.read_bonds),
    _probe("cat ifcfg-*", "boot_protocols", network.read_boot_protocols),
    _probe("ethtool", "wakes_on_lan", network.read_wakes),
    _probe("df", "free_space", disks.read_space),
    _probe("xl list", "own_memory_mib own_cpus", disks.read_own_size),
    _probe("xl info", "hypervisor_options", machine.read_xen_options),
    _probe("cat grub.conf", "boot_kernel", machine.read_boot_kernel),
    _probe("cat /proc/uptime", "boot_time_s", machine.read_boot_time),
    _probe("cat /etc/sysconfig/clock", "time_zone", machine.read_zone),
    _probe("dmidecode", "bios_version", machine.read_bios),
    _probe("multipath -ll", "multipath", disks.read_multipath),
    _probe("cat multipath.conf", "multipath_settings", disks.read_multipath_conf),
    _probe("iscsiadm", "iscsi_sessions", disks.read_iscsi),
    _probe("ls sas_end_device", "sas_expanders", disks.read_sas),
    _probe("modprobe -n", "cluster_modules", machine.read_modules),
    _probe("dmesg", "kernel_trouble", machine.read_kernel_log),
    _probe("tail ovs-agent.log", "agent_trouble", roles.read_agent_log),
    _probe("pkg list", "dlm_package", roles.read_dlm),
    _probe("ldm list-services", "service_domains", roles.read_domains),
    _probe("ldm -V", "ldoms_version", roles.read_ldoms),
)
FIELDS = frozenset(name for probe in PROBES for name in probe.fields)


def observe_base(sections: Sections, at: datetime) -> Observed:
    """All facts of the base batch."""
    found: Observed = {}
    for probe in PROBES:
        found |= probe.observe(sections, at)
    return found
