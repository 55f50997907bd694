"""Domains running on the server: only what 'is this server in use' needs (agent-rpc 4.9)."""

from __future__ import annotations

import uuid
from typing import Any

from core.lab import view
from core.lab.agent.calls.base import Call, agent_call
from core.lab.operations import CallRefusedError


@agent_call
def list_vms(call: Call) -> list[dict[str, Any]]:
    """One struct per domain, Domain-0 first; all values are texts."""
    domains = [_domain(call, "Domain-0", 0)]
    domains += [_domain(call, name, number) for number, name in enumerate(call.server.guests, start=1)]
    return domains


@agent_call
def list_vm(call: Call, repo_id: str, vm_id: str) -> dict[str, Any]:
    for item in list_vms(call):
        if vm_id in (item["name"], item["uuid"]):
            return dict(item)
    raise CallRefusedError(f"Domain '{vm_id}' does not exist.", exception="xmlrpclib.Fault")


@agent_call
def get_vm_config(call: Call, repo_id: str, vm_id: str) -> dict[str, Any]:
    found = list_vm(call, repo_id, vm_id)
    return {
        "vif": ["mac=00:21:f6:10:00:01,bridge=" + (_bridge(call) or "none")],
        "extra": "",
        "OVM_simple_name": found["name"],
        "disk": [],
        "bootargs": "",
        "uuid": found["uuid"],
        "on_reboot": "restart",
        "cpu_weight": 27500,
        "memory": 2048,
        "cpu_cap": 0,
        "maxvcpus": 2,
        "OVM_high_availability": False,
        "OVM_description": "",
        "on_poweroff": "destroy",
        "on_crash": "restart",
        "bootloader": "/usr/bin/pygrub",
        "guest_os_type": "Oracle Linux 6",
        "name": found["name"],
        "vfb": ["type=vnc,vncunused=1,vnclisten=127.0.0.1,keymap=en-us"],
        "vcpus": 2,
        "OVM_cpu_compat_group": "",
        "OVM_domain_type": "ldoms_pvm" if view.is_sparc(call.server) else "xen_pvm",
    }


def guest_uuid(server_uuid: str, name: str) -> str:
    """A stable id for a guest of the lab."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{server_uuid}/{name}"))


def _bridge(call: Call) -> str | None:
    device = view.management(call.server)
    return device.name if device is not None else None


def _domain(call: Call, name: str, number: int) -> dict[str, Any]:
    is_dom0 = number == 0
    memory = view.dom0_memory_mib(call.server) if is_dom0 else 2048
    vcpus = view.dom0_vcpus(call.server) if is_dom0 else 2
    zero = "00000000-0000-0000-0000-000000000000"
    return {
        "on_xend_stop": "ignore",
        "features": "",
        "image": {
            "tsc_mode": "0",
            "kernel": "",
            "superpages": "0",
            "nomigrate": "0",
            "expose_host_uuid": "0",
        },
        "cpus": [[]],
        "uuid": zero if is_dom0 else guest_uuid(call.server.uuid, name),
        "on_reboot": "restart",
        "state": "r-----" if is_dom0 else "-b----",
        "cpu_weight": "65535" if is_dom0 else "27500",
        "online_vcpus": str(vcpus),
        "memory": str(memory),
        "cpu_cap": "0",
        "status": "2",
        "pool_name": "Pool-0",
        "on_poweroff": "destroy",
        "on_xend_start": "ignore",
        "on_crash": "restart",
        "device": {},
        "bootloader": "" if is_dom0 else "/usr/bin/pygrub",
        "maxmem": str(memory),
        "cpu_time": "6608.51291287",
        "shadow_memory": "0",
        "name": name,
        "builder": "linux",
        "bootloader_args": "" if is_dom0 else "-q",
        "domid": str(number),
        "vcpus": str(vcpus),
    }
