"""Own-written replies, one of each kind, for tests that need no recorded data."""

from __future__ import annotations

SERVER_UNOWNED = """<?xml version="1.0" ?>
<Discover_Server_Result><Server>
<Unique_Id>00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff</Unique_Id><Boot_Time>1700000000</Boot_Time>
<Date_Time><Time_Zone>UTC</Time_Zone><UTC>True</UTC></Date_Time>
<NTP><Local_Time_Source>False</Local_Time_Source><Is_NTP_Running>true</Is_NTP_Running></NTP>
<Agent_Version>3.4.6-44</Agent_Version><OVM_Version>3.4.6-2105</OVM_Version><CPU_Type>x86_64</CPU_Type>
<Hypervisor_Type>xen</Hypervisor_Type>
<VMM><Version><Major>4</Major><Minor>4</Minor><Extra>.4OVM</Extra></Version>
<Capabilities>xen-3.0-x86_64 hvm-3.0-x86_64</Capabilities></VMM>
<Pool_Unique_Id>none</Pool_Unique_Id><Manager_Unique_Id>none</Manager_Unique_Id><Hostname>ovs01</Hostname>
<Server_Roles>utility,xen</Server_Roles><Is_Current_Master>false</Is_Current_Master>
<Membership_State>Unowned</Membership_State><Cluster_State>Offline</Cluster_State>
<Statistic><Interval>20</Interval></Statistic><Exports/>
<Capabilities><CLUSTERS>True</CLUSTERS><HVM_MAX_VNICS>8</HVM_MAX_VNICS><MIGRATION_SETUP>False</MIGRATION_SETUP>
<ODD>maybe</ODD></Capabilities>
</Server></Discover_Server_Result>"""

HARDWARE = """<Discover_Hardware_Result><NodeInformation>
<VMM><PhysicalInfo><ThreadsPerCore>2</ThreadsPerCore><CoresPerSocket>12</CoresPerSocket>
<SocketsPerNode>1</SocketsPerNode><Nodes>2</Nodes><CPUKHz>2494224</CPUKHz><TotalPages>33554432</TotalPages>
<FreePages>1024</FreePages><HW_Caps><Item_10>0x0a</Item_10><Item_2>0x02</Item_2><Item_0>0x00</Item_0></HW_Caps>
</PhysicalInfo></VMM>
<CPUInfo><Proc_Info><CPU ID="0"><vendor_id>GenuineIntel</vendor_id><cpu_family>6</cpu_family><model>63</model>
<model_name>Xeon</model_name><stepping>2</stepping><flags>fpu vme</flags></CPU></Proc_Info></CPUInfo>
<IO><SCSI><SCSI_Host Num="3"><Proc_Name>qla2xxx</Proc_Name><State>Online</State>
<FC_Host><Port_Name>0x2100001b32a1b2c3</Port_Name></FC_Host></SCSI_Host>
<ISCSI_Node><Initiatorname>iqn.2026-01.example:ovs01</Initiatorname></ISCSI_Node></SCSI></IO>
<DMTF><BIOS><Vendor>V</Vendor><Version>2.8.0</Version><ReleaseDate>01/02/2020</ReleaseDate></BIOS>
<System><UUID>00:11</UUID><SerialNumber>S1</SerialNumber></System></DMTF>
</NodeInformation></Discover_Hardware_Result>"""

NETWORK = """<Discover_Network_Result><Network><Active>
<Network><Device Name="eth0"><MAC>00:21:F6:00:00:01</MAC><Flags>(0x1843) IFF_UP IFF_SLAVE</Flags>
<SysFS><operstate>down</operstate><mtu>9000</mtu><speed>-1</speed></SysFS></Device></Network>
<Bonding><Device Name="bond0"><Bonding_Mode>802.3ad</Bonding_Mode><MII_Status>up</MII_Status>
<Slave_Interface Name="eth0"><MII_Status>down</MII_Status><Speed>10000 Mbps</Speed></Slave_Interface>
<Family Type="AF_INET"><MAC>00:21:F6:00:00:01</MAC><mtu>9000</mtu></Family>
<MetaData>ethernet:cb007100{mgmt net}:MANAGEMENT,STORAGE</MetaData></Device></Bonding>
<Bridges><Device Name="cb007100"><Family Type="AF_INET"><MAC>00:21:F6:00:00:01</MAC><Address>203.0.113.11</Address>
<Netmask>255.255.255.0</Netmask></Family><Interfaces><PhyInterface>bond0</PhyInterface></Interfaces></Device>
<Device Name="c0a80100"><Family Type="AF_INET"><Address>10.0.0.1</Address><Netmask>banana</Netmask></Family></Device>
</Bridges></Active></Network></Discover_Network_Result>"""

CLUSTER = """<Discover_Cluster_Result><O2CB_Config><O2CB_HEARTBEAT_THRESHOLD>61</O2CB_HEARTBEAT_THRESHOLD>
<O2CB_BOOTCLUSTER>ba9aaf00ae5e2d73</O2CB_BOOTCLUSTER><O2CB_ENABLED>TRUE</O2CB_ENABLED></O2CB_Config>
</Discover_Cluster_Result>"""

POOL_FS = """<Discover_Pool_Filesystem_Result><Pool_Filesystem><Pool_Filesystem_Type>lun</Pool_Filesystem_Type>
<Pool_Filesystem_Target>/dev/mapper/36001</Pool_Filesystem_Target><Pool_Filesystem_Uuid>0004fb</Pool_Filesystem_Uuid>
</Pool_Filesystem></Discover_Pool_Filesystem_Result>"""

MOUNTS = """<Discover_Mounted_File_Systems_Result><Filesystem Type="nfs"><Mount Dir="/nfsmnt/a"><Device>nas:/x</Device>
</Mount></Filesystem><Filesystem Type="ocfs2"><Mount Dir="/poolfsmnt/b"><Device>/dev/mapper/c</Device>
<Mount_Options>rw</Mount_Options></Mount></Filesystem></Discover_Mounted_File_Systems_Result>"""

LUNS = """<discover_physical_luns_result><scsi><disk name="sdb"><page83_id>/dev/mapper/3600a</page83_id>
<size>10737418240</size><vendor>LAB</vendor></disk><Disk><Name>sdc</Name><WWID>3600b</WWID><Size>big</Size></Disk></scsi>
<ISCSI_Target><Name>iqn.x</Name></ISCSI_Target></discover_physical_luns_result>"""

DOCUMENTS = {
    "discover_server": SERVER_UNOWNED,
    "discover_hardware": HARDWARE,
    "discover_network": NETWORK,
    "discover_cluster": CLUSTER,
    "discover_pool_filesystem": POOL_FS,
    "discover_mounted_file_systems": MOUNTS,
    "discover_physical_luns": LUNS,
    "discover_server_pool": "<Discover_Server_Pool_Result/>",
    "discover_storage_plugins": "<Discover_Storage_Plugins_Result/>",
    "discover_repository_db": "<Discover_Repository_Db_Result/>",
    "discover_repositories": "<Discover_Repositories_Result/>",
}

TRANSCRIPT = """OVM> show server name=ovs01\r
Command: show server name=ovs01\n\rStatus: Success\n\rTime: 2026-01-02 03:04:05,678 UTC\n\rData: \n\r  Name = ovs01
  Id = 00:11:22  [ovs01]\n\r  Agent Password = hunter2\n\rOVM> """
