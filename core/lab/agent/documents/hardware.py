"""discover_hardware (agent-rpc 5.2)."""

from __future__ import annotations

import base64
import struct

from core.lab import view
from core.lab.agent.xmltree import Node, node
from core.lab.world import LabServer, World

PAGE_BYTES = 4096
_HOSTS = (
    ("ahci", "0x010601", "0x8d02"),
    ("qla2xxx", "0x0c0400", "0x2532"),
    ("qla2xxx", "0x0c0400", "0x2532"),
)


def discover_hardware(world: World, server: LabServer) -> Node:
    """The whole document; a SPARC server's has the same shape (UNCONFIRMED) without DMI tables."""
    return node(
        "Discover_Hardware_Result",
        node(
            "NodeInformation",
            node("VMM", _physical_info(server)),
            node(
                "CPUInfo",
                node("Proc_Info", *(_cpu(server, number) for number in range(view.logical_cpus(server)))),
            ),
            node("IO", _scsi(server), node("IDE")),
            _dmtf(server),
        ),
    )


def _physical_info(server: LabServer) -> Node:
    cpu = server.cpu
    nodes = cpu.sockets if cpu.sockets in (1, 2, 4, 8) else 1
    pages = 2**20 // PAGE_BYTES
    return node(
        "PhysicalInfo",
        node("ThreadsPerCore", cpu.threads_per_core),
        node("CoresPerSocket", cpu.cores_per_socket),
        node("SocketsPerNode", cpu.sockets // nodes),
        node("Nodes", nodes),
        node("CPUKHz", cpu.khz),
        node("TotalPages", server.memory_mib * pages),
        node("FreePages", server.free_memory_mib * pages),
        node("HW_Caps", *(node(f"Item_{index}", word) for index, word in enumerate(cpu.hw_caps))),
    )


def _cpu(server: LabServer, number: int) -> Node:
    cpu = server.cpu
    return node(
        "CPU",
        node("vendor_id", cpu.vendor),
        node("cpu_family", cpu.family),
        node("model", cpu.model),
        node("model_name", cpu.model_name),
        node("stepping", cpu.stepping),
        node("cache_size", f"{cpu.cache_kib} KB"),
        node("flags", cpu.flags),
        ID=str(number),
    )


def _scsi(server: LabServer) -> Node:
    if view.is_sparc(server):
        return node("SCSI")
    hosts = (_scsi_host(server, number, *kind) for number, kind in enumerate(_HOSTS))
    return node("SCSI", *hosts, node("ISCSI_Node", node("Initiatorname", server.initiator)))


def _scsi_host(server: LabServer, number: int, driver: str, class_: str, device: str) -> Node:
    is_fc = driver == "qla2xxx"
    wwn = f"0x21000024ff{int(server.uuid.replace(':', '')[:5], 16):05x}{number}"[:18]
    values = {
        "Active_Mode": "Initiator",
        **(
            {}
            if is_fc
            else {"Ahci_Host_Cap2": "4", "Ahci_Host_Caps": "c734ff45", "Ahci_Host_Version": "10300"}
        ),
        **({} if is_fc else {"Ahci_Port_Cmd": "44017"}),
        "Can_Queue": "2128" if is_fc else "31",
        "Cmd_Per_Lun": "3" if is_fc else "1",
        **({} if is_fc else {"Em_Message_Supported": "", "Em_Message_Type": "0"}),
        "Host_Busy": "0",
        **({} if is_fc else {"Link_Power_Management_Policy": "max_performance"}),
        **(
            {"Port_Name": wwn, "Node_Name": wwn.replace("0x21", "0x20", 1)} if is_fc else {}
        ),  # UNCONFIRMED names
        "Proc_Name": driver,
        "Prot_Capabilities": "0",
        "Prot_Guard_Type": "0",
        "Sg_Prot_Tablesize": "0",
        "Sg_Tablesize": "1024" if is_fc else "168",
        "State": "running",
        "Supported_Mode": "Initiator",
        "Uevent": "",
        "Unique_Id": str(number + 1),
    }
    vendor = "0x1077" if is_fc else "0x8086"
    pci = {
        "Broken_Parity_Status": "0",
        "Class": class_,
        "Consistent_Dma_Mask_Bits": "64",
        "Device": device,
        "Dma_Mask_Bits": "64",
        "Enable": "1",
        "Irq": str(58 + number),
        "Local_Cpulist": f"0-{view.dom0_vcpus(server) - 1}",
        "Msi_Bus": "",
        "Msi_Irqs": str(58 + number),
        "Numa_Node": "-1",
        "Subsystem_Device": "0x1100",
        "Subsystem_Vendor": vendor,
        "Uevent": f"DRIVER={driver} PCI_CLASS={class_[3:]} PCI_SLOT_NAME=0000:00:{0x1F + number:02x}.2",
        "Vendor": vendor,
    }
    return node(
        "SCSI_Host",
        *(node(name, value) for name, value in values.items()),
        node("SysFSDev", *(node(name, value) for name, value in pci.items())),
        Num=str(number),
    )


def _dmtf(server: LabServer) -> Node:
    if view.is_sparc(server):
        return node(
            "DMTF", node("System", node("UUID", server.uuid), node("Manufacturer", "Oracle Corporation"))
        )
    maker, product = view.machine(server)
    table = _smbios(server)
    return node(
        "DMTF",
        node("SMBIOS", node("MaxSize", "172"), Version="2.7.0"),
        node(
            "DMI",
            node("TableLength", len(table)),
            node("Items", "2"),
            node("Buffer", base64.b64encode(table).decode()),
            Version="2.7",
        ),
        node(
            "BIOS",
            node("Vendor", "American Megatrends Inc."),
            node("Version", server.bios_version),
            node("ReleaseDate", "04/11/2016"),
            Type="0",
            Item="0",
            Handle="0x0",
        ),
        node(
            "System",
            node("UUID", server.uuid),
            node("Manufacturer", maker),
            node("ProductName", product),
            node("SerialNumber", view.serial(server)),
            Type="1",
            Item="1",
            Handle="0x1",
        ),
        node("Chassis", node("Height", "1U"), node("Manufacturer", maker), Type="3", Item="2", Handle="0x3"),
    )


def _smbios(server: LabServer) -> bytes:
    """A small but true SMBIOS table: type 1 with the UUID, and the end marker."""
    maker, product = view.machine(server)
    uuid = bytes.fromhex(server.uuid.replace(":", ""))
    texts = b"\0".join(text.encode() for text in (maker, product, "1.0", view.serial(server))) + b"\0\0"
    system = struct.pack("<BBH4B16sBBB", 1, 27, 1, 1, 2, 3, 4, uuid, 6, 0, 0) + texts
    return system + struct.pack("<BBH", 127, 4, 127) + b"\0\0"
