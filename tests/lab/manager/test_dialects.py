from __future__ import annotations

import pytest

from core.lab.manager.dialects import Call, Ref, dialect_of
from core.lab.manager.grammar import CliSyntaxError

VIP = "virtualIP=203.0.113.100"


@pytest.mark.parametrize(
    ("release", "line"),
    [
        ("3.2", "discoverServer ipAddress=10.0.0.1 port=8899 username=oracle password=p takeOwnership=yes"),
        ("3.3", "discoverServer ipAddress=10.0.0.1 password=p takeOwnership=Yes"),
        ("3.4", "DISCOVERSERVER IPADDRESS=10.0.0.1 PASSWORD=p TAKEOWNERSHIP=yes"),
        ("3.2", "edit Server id=aa:bb takeOwnership=no"),
        ("3.4", "releaseOwnership Server id=aa:bb"),
        ("3.3", "setMaintenanceMode Server name=x mode=ON"),
        ("3.2", "edit Server name=x maintenanceMode=yes"),
        ("3.2", f"create ServerPool {VIP} clusterEnable=yes filesystem=nfs:/a/b name=p description='a b'"),
        ("3.3", f"create ServerPool clusterEnable=Yes clusterTimeout=30 physicalDisk=x {VIP} name=p"),
        ("3.4", "create ServerPool clusterEnable=No name=p"),
        (
            "3.4",
            f"create ServerPool clusterEnable=Yes fileSystem=x policyMode=DRS policyPeriod=5 name=p {VIP}",
        ),
        ("3.4", "create ServerPool clusterEnable=No startPolicy=balance_server keymapName=no name=p"),
        ("3.4", "add server id=aa:bb to serverpool name='my pool'"),
        ("3.2", "add Server name=x to FileServer name=fs"),
        ("3.4", "addAdminServer StorageArray name='Unmanaged FibreChannel Storage Array' server=x"),
        ("3.2", "addNfsRefreshServer FileServer name=fs nfsRefreshServer=x"),
        ("3.3", "addRefreshServer FileServer name=fs server=x"),
        ("3.2", "refresh SanServer name=x"),
        ("3.4", "refresh StorageArray id=x"),
        ("3.4", "edit Network id=x roles='MANAGEMENT,storage'"),
        ("3.4", 'edit Network id=x roles=""'),
        ("3.4", 'edit Server id=x description=""'),
        ("3.4", "edit Server name=old name=new"),
        ("3.4", "create Network name=x roles=VIRTUAL_MACHINE on Server name=y"),
        ("3.4", "create Repository name=r on FileSystem id=x"),
        ("3.2", "create Repository name=r fileSystem=x"),
        ("3.4", "show Manager"),
        ("3.4", "set AlphabetizeAttributes=Yes"),
        ("3.3", "set CommandMode=asynchronous"),
        ("3.2", "set OutputMode=Xml"),
        ("3.2", "getEvents Server name=x type=Ackable amount=5"),
        ("3.4", 'getEvents objType=server objId=x severity=WARNING startTime="11-22-2026 10:00"'),
    ],
)
def test_accepted(release: str, line: str) -> None:
    assert isinstance(dialect_of(release).parse(line), Call)


@pytest.mark.parametrize(
    ("release", "line", "why"),
    [
        ("3.2", "discoverServer ipAddress=1 password=p takeOwnership=yes", "missing parameter: port"),
        (
            "3.3",
            "discoverServer ipAddress=1 port=8899 username=o password=p takeOwnership=yes",
            "unknown parameter",
        ),
        ("3.2", "releaseOwnership Server id=x", "unknown command"),
        ("3.2", "setMaintenanceMode Server id=x mode=on", "unknown command"),
        ("3.4", "edit Server id=x maintenanceMode=yes", "unknown parameter"),
        ("3.2", "create ServerPool clusterEnable=no name=p", "missing parameter: virtualIP"),
        ("3.3", "create ServerPool clusterEnable=no name=p", "missing parameter: virtualIP"),
        ("3.2", f"create ServerPool {VIP} clusterEnable=yes clusterTimeout=60 name=p", "unknown parameter"),
        (
            "3.3",
            f"create ServerPool {VIP} clusterEnable=no startPolicy=BALANCE_SERVER name=p",
            "must be one of",
        ),
        ("3.3", f"create ServerPool {VIP} clusterEnable=no policyMode=DRS name=p", "unknown parameter"),
        ("3.4", "create ServerPool clusterEnable=Yes clusterTimeout=29 name=p", "from 30 to 300"),
        ("3.4", "create ServerPool clusterEnable=Yes clusterTimeout=x name=p", "integer"),
        ("3.4", "create ServerPool clusterEnable=maybe name=p", "must be one of"),
        ("3.4", "create ServerPool clusterEnable=No", "missing parameter: name"),
        ("3.4", "create ServerPool clusterEnable=No name=''", "missing parameter: name"),
        ("3.2", "list CpuCompatibilityGroup", "does not know object type"),
        ("3.2", "list StorageArray", "does not know object type"),
        ("3.4", "list SanServer", "does not know object type"),
        ("3.3", "list VirtualAppliance", "does not know object type"),
        ("3.4", "add Server id=x to FileServer name=y", "must be followed by"),
        ("3.4", "add Server id=x", "is missing"),
        ("3.4", "addAdminServer FileServer server=x id=y", "id= or name= expected"),
        ("3.4", "edit Server id=x", "at least one option"),
        ("3.4", "set", "at least one option"),
        ("3.2", "set CommandMode=Synchronous", "unknown parameter"),
        ("3.3", "set AlphabetizeAttributes=Yes", "unknown parameter"),
        ("3.4", "frobnicate Server", "unknown command"),
        ("3.4", "list Server again", "unexpected word"),
        ("3.4", "edit ServerPool id=x description=" + "y" * 4001, "4000"),
        ("3.4", 'refresh FileSystem name="nfs:/mnt/x"', "doubled"),
        ("3.4", "show Server", "id= or name= expected"),
    ],
)
def test_refused(release: str, line: str, why: str) -> None:
    with pytest.raises(CliSyntaxError) as caught:
        dialect_of(release).parse(line)
    assert why in str(caught.value)


def test_the_last_duplicate_wins() -> None:
    call = dialect_of("3.4").parse("create ServerPool name=a clusterEnable=Yes name=b clusterEnable=no")
    assert call.params == {"name": "b", "clusterEnable": "No"}


def test_order_is_free_and_spelling_becomes_canonical() -> None:
    one = dialect_of("3.4").parse("create serverpool NAME=p VIRTUALIP=1.2.3.4 clusterENABLE=YES")
    two = dialect_of("3.4").parse("create ServerPool clusterEnable=Yes virtualIP=1.2.3.4 name=p")
    assert (one.verb, one.type, one.params) == (two.verb, two.type, two.params)


def test_slashes_are_plain_on_3_2() -> None:
    call = dialect_of("3.2").parse("refresh FileSystem name=nfs:/mnt/vol1/poolfs01")
    assert call.ref == Ref("name", "nfs:/mnt/vol1/poolfs01")


def test_a_description_of_4000_characters_is_taken() -> None:
    assert dialect_of("3.4").parse("edit ServerPool id=x description=" + "y" * 4000).params
