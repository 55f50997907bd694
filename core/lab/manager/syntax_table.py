"""Every command the lab's Manager knows, release by release, in a small notation (sources: manager-cli 3,
vmcli-ref).

A line: the releases it is valid for (2, 3, 4 for 3.2, 3.3, 3.4), the verb, `{Types}`, `@` where an object is
addressed by id= or name= (`@?` where it may be missing), parameters (`*` mandatory, `={A|B}` one of,
`=[A|B]` comma list of, `=#` integer, `=#30-300` integer in a range), and `to|from|on {Types} @` (`?` in front of
the preposition when that clause may be missing).
"""

from __future__ import annotations

KEYMAPS = (
    "en-us|ar|da|de|de-ch|en-gb|es|et|fi|fo|fr|fr-be|fr-ca|fr-ch|hr|hu|is|it|ja|lt|lv|mk|nl|nl-be|No|pl|pt|pt-br|"
    "ru|sl|sv|th|tr"
)
ROLES = "VIRTUAL_MACHINE|UTILITY"
NETWORK_ROLES = "MANAGEMENT|LIVE_MIGRATE|CLUSTER_HEARTBEAT|VIRTUAL_MACHINE|STORAGE"
_TYPES_32 = (
    "AccessGroup Assembly AssemblyVirtualDisk AssemblyVm BondPort Cpu FileServer FileServerPlugin FileSystem "
    "Job Manager Network NfsAccessGroup PhysicalDisk Port Repository SanServer Server ServerPool "
    "ServerUpdateGroup StorageInitiator Tag VirtualCdrom VirtualDisk VlanGroup VlanSegment Vm "
    "VmCloneCustomizer VmDiskMapping Vnic VolumeGroup"
)
_TYPES_33 = (
    "AccessGroup AntiAffinityGroup Assembly AssemblyVirtualDisk AssemblyVm BondPort ControlDomain Cpu "
    "CpuCompatibilityGroup FileServer FileServerPlugin FileSystem Job Manager Network PeriodicTask PhysicalDisk "
    "Port Repository RepositoryExport Server ServerController ServerPool ServerPoolNetworkPolicy "
    "ServerUpdateGroup ServerUpdateRepository StorageArray StorageArrayPlugin StorageInitiator Tag VirtualCdrom "
    "VirtualDisk VlanInterface Vm VmCloneCustomizer VmCloneNetworkMapping VmCloneStorageMapping VmDiskMapping "
    "Vnic VolumeGroup"
)
_APPLIANCES = " VirtualAppliance VirtualApplianceVirtualDisk VirtualApplianceVm"
TYPES = {
    "3.2": _TYPES_32.split(),
    "3.3": _TYPES_33.split(),
    "3.4": sorted((_TYPES_33 + _APPLIANCES).split()),
}

COMMANDS = f"""
234 help
234 exit
234 showversion
34  showclisession
234 showobjtypes
234 showcustomcmds {{ALL}}
34  showallcustomcmds
34  getManagerTime
2   set EndlineChars={{CRLF|CR|LF}} OutputMode={{Verbose|Sparse|Xml}}
3   set CommandMode={{Asynchronous|Synchronous}} CommandTimeout=#1-43200 EndlineChars={{CRLF|CR|LF}} \
OutputMode={{Verbose|Sparse|Xml}}
4   set AlphabetizeAttributes={{Yes|No}} CommandMode={{Asynchronous|Synchronous}} CommandTimeout=#1-43200 \
EndlineChars={{CRLF|CR|LF}} OutputMode={{Verbose|Sparse|Xml}}
234 list {{ALL}}
234 show {{ALL}} @
234 delete {{ALL}} @

2   discoverServer *ipAddress *port=# *username *password *takeOwnership={{yes|no}}
34  discoverServer *ipAddress *password *takeOwnership={{Yes|No}}
34  rediscoverServer {{Server}} @
34  takeOwnership {{Server}} @ *password
34  takeOwnership {{Repository}} @ serverPool
34  releaseOwnership {{Server|Repository}} @
2   edit {{Server}} @ maintenanceMode={{yes|no}} roles=[{ROLES}] takeOwnership={{yes|no}} name description
34  edit {{Server}} @ roles=[{ROLES}] name description
34  setMaintenanceMode {{Server}} @ *mode={{on|off}}
34  refreshAll
4   changeServerAgentPassword {{Server}} @ *oldPassword *newPassword
2   refresh {{Assembly|FileServer|FileSystem|PhysicalDisk|Repository|SanServer|Server}} @
3   refresh {{AccessGroup|Assembly|FileServer|FileSystem|PhysicalDisk|Repository|Server|StorageArray}} @
4   refresh {{AccessGroup|FileServer|FileSystem|PhysicalDisk|Repository|Server|StorageArray|VirtualAppliance}} @
234 refreshStorageLayer {{Server}} @
2   validate {{SanServer}} @
34  validate {{StorageArray}} @

2   create {{ServerPool}} *virtualIP clusterEnable={{yes|no}} fileSystem physicalDisk keymapName={{{KEYMAPS}}} \
migrateUsingSsl={{yes|no}} startPolicy={{BEST_SERVER|CURRENT_SERVER}} *name description
3   create {{ServerPool}} *virtualIP clusterEnable={{Yes|No}} clusterTimeout=#30-300 fileSystem physicalDisk \
keymapName={{{KEYMAPS}}} migrateUsingSsl={{Yes|No}} startPolicy={{BEST_SERVER|CURRENT_SERVER}} *name description
4   create {{ServerPool}} clusterEnable={{Yes|No}} clusterTimeout=#30-300 fileSystem physicalDisk \
keymapName={{{KEYMAPS}}} migrateUsingSsl={{Yes|No}} startPolicy={{BEST_SERVER|BALANCE_SERVER|CURRENT_SERVER}} \
policyMode={{OFF|DRS|DPM}} policyCpuEnable={{Yes|No}} policyPeriod=# policyCpuThreshold=#0-100 *name description \
virtualIP
2   edit {{ServerPool}} @ masterServer virtualIP keymapName={{{KEYMAPS}}} migrateUsingSsl={{yes|no}} \
startPolicy={{BEST_SERVER|CURRENT_SERVER}} name description
3   edit {{ServerPool}} @ masterServer virtualIP keymapName={{{KEYMAPS}}} migrateUsingSsl={{Yes|No}} \
startPolicy={{BEST_SERVER|CURRENT_SERVER}} policyMode={{OFF|DRS|DPM}} policyCpuEnable={{Yes|No}} policyPeriod=# \
policyCpuThreshold=#0-100 name description
4   edit {{ServerPool}} @ masterServer virtualIP keymapName={{{KEYMAPS}}} migrateUsingSsl={{Yes|No}} \
startPolicy={{BEST_SERVER|BALANCE_SERVER|CURRENT_SERVER}} policyMode={{OFF|DRS|DPM}} policyCpuEnable={{Yes|No}} \
policyPeriod=# policyCpuThreshold=#0-100 name description
34  addPolicyServer {{ServerPool}} @ *server
34  removePolicyServer {{ServerPool}} @ *server
2   add {{Server}} @ to {{ServerPool|Repository|FileServer|SanServer|NfsAccessGroup}} @
34  add {{Server}} @ to {{AccessGroup|CpuCompatibilityGroup|Repository|ServerPool}} @
2   remove {{Server}} @ from {{ServerPool|Repository|FileServer|SanServer|NfsAccessGroup}} @
34  remove {{Server}} @ from {{AccessGroup|CpuCompatibilityGroup|Repository|ServerPool}} @

2   create {{FileServer}} *plugin *accessHost adminHost adminUserName adminPassword uniformedExports={{yes|no}} \
name description
34  create {{FileServer}} *plugin *accessHost *adminServers refreshServers uniformedExports={{Yes|No}} name \
description
2   edit {{FileServer}} @ name description uniformedExports={{yes|no}}
34  edit {{FileServer}} @ name description uniformedExports={{Yes|No}}
2   addNfsRefreshServer {{FileServer}} @ *nfsRefreshServer
2   removeNfsRefreshServer {{FileServer}} @ *nfsRefreshServer
34  addRefreshServer {{FileServer}} @ *server
34  removeRefreshServer {{FileServer}} @ *server
34  addAdminServer {{FileServer|StorageArray}} @ *server
34  removeAdminServer {{FileServer|StorageArray}} @ *server
2   create {{FileSystem}} *name *physicalDisk description on {{FileServer}} @
34  create {{FileSystem}} *name *physicalDisk description on {{FileServer}} @
234 edit {{FileSystem}} @ name description
2   create {{SanServer}} *plugin *storageType={{FIBRECHANNEL|ISCSI|LOCAL|UNKNOWN}} storageName accessHost \
accessPort=# accessUsername accessPassword useChap={{yes|no}} adminHost adminUserName adminPassword *name description
34  create {{StorageArray}} *plugin *storageType={{FIBRECHANNEL|ISCSI|LOCAL|UNKNOWN}} storageName accessHost \
accessPort=# accessUsername accessPassword useChap={{Yes|No}} adminHost adminUserName adminPassword \
pluginPrivateData *name description
2   edit {{SanServer}} @ plugin storageName useChap={{yes|no}} adminHost adminUserName adminPassword name description
34  edit {{StorageArray}} @ plugin storageName useChap={{Yes|No}} adminHost adminUserName adminPassword name \
description
2   addAccessHost {{SanServer}} @ *accessHost accessPort=# accessUsername accessPassword
34  addAccessHost {{StorageArray}} @ *accessHost accessPort=# accessUsername accessPassword
2   removeAccessHost {{SanServer}} @ *accessHost
34  removeAccessHost {{StorageArray}} @ *accessHost
2   create {{AccessGroup}} *name description on {{SanServer}} @
34  create {{AccessGroup}} *name description on {{FileServer|StorageArray}} @
234 add {{StorageInitiator}} @ to {{AccessGroup}} @
234 remove {{StorageInitiator}} @ from {{AccessGroup}} @
234 add {{PhysicalDisk}} @ to {{AccessGroup}} @
234 remove {{PhysicalDisk}} @ from {{AccessGroup}} @
34  add {{FileSystem}} @ to {{AccessGroup}} @
34  remove {{FileSystem}} @ from {{AccessGroup}} @
234 edit {{AccessGroup}} @ name description
2   edit {{PhysicalDisk}} @ shareable={{yes|no}} name description
34  edit {{PhysicalDisk}} @ shareable={{Yes|No}} name description

2   create {{Repository}} fileSystem serverPool physicalDisk sharePath *name description
34  create {{Repository}} sharePath *name description on {{FileSystem}} @
234 edit {{Repository}} @ name description
34  create {{CpuCompatibilityGroup}} *name description
34  edit {{CpuCompatibilityGroup}} @ name description
234 create {{Network}} roles=[{NETWORK_ROLES}] *name description ?on {{Server}} @
234 edit {{Network}} @ roles=[{NETWORK_ROLES}] name description
234 add {{Port|BondPort}} @ to {{Network}} @
234 remove {{Port|BondPort}} @ from {{Network}} @
234 edit {{Port|BondPort}} @ name description mtu=#1500-64000
234 create {{Tag}} *name description
234 edit {{Tag}} @ name description
234 add {{Tag}} @ to {{Server|ServerPool|Vm}} @
234 remove {{Tag}} @ from {{Server|ServerPool|Vm}} @
34  create {{ServerUpdateGroup}} *name description
34  edit {{ServerUpdateGroup}} @ name description
234 edit {{Vm}} @ name description
234 start {{Vm|Server}} @
234 stop {{Vm|Server}} @
234 migrate {{Vm}} @ destServer destServerPool

234 abort {{Job}} @
2   getEvents {{Server|ServerPool|PhysicalDisk|FileSystem|FileServer|SanServer|Repository|Vm}} @ type={{All|Ackable}} \
amount=#
34  getEvents objType objId severity={{UNKNOWN|CRITICAL|WARNING|INFORMATIONAL}} acknowledged={{Yes|No}} startTime \
endTime amount=#
34  getEventsForObject *objType *objId
34  getTriageEvent *objType *objId
234 ackEvent *eventId
34  getStatList *objType *objId *statType *startTime endTime
"""
