"""Rows of the pool's storage."""

from __future__ import annotations

from core.facts.looks import LunLook, VolumeLook
from core.platforms.oracle_vm.facts import (
    ManagedDisk,
    ManagedFileServer,
    ManagedFileSystem,
    ManagedPool,
    ManagedRepository,
)
from tests.unit.checks.builders import (
    WWID,
    absent,
    context,
    lun,
    manager,
    nfs,
    server,
    sparc,
)
from tests.unit.checks.making import (
    ON_LUN,
    UNCLUSTERED,
    F,
    N,
    P,
    Row,
    U,
    W,
    on_lun,
    one,
    pooled,
    told,
    two,
    wanting,
)

SHARE = ManagedFileSystem(id="fs1", name="nfs:/export/poolfs", path="/export/poolfs", file_server="nas")
NAS = ManagedFileServer(id="nas", name="nas", access_host="nas01")
DISK = ManagedDisk(id="d1", name="LUN", page83=WWID)


def old_volume(uuid: str = "77", alive: tuple[int, ...] = ()) -> LunLook:
    """An OCFS2 volume as its own superblock tells of it."""
    volume = VolumeLook(label="OVS_pool", uuid=uuid, stack="o2cb", cluster="0004fb", alive=alive)
    return lun(signatures=("ocfs2",), cluster="0004fb", content_id=uuid, is_blank=False, volume=volume)


ROWS: list[Row] = [
    # storage
    ("storage.visible.all", context(), P, ""),
    ("storage.visible.all", two(pool_nfs=nfs(entries=None, is_exported=False)), F, "203.0.113.12"),
    (
        "storage.visible.all",
        two(pool_nfs=nfs(entries=None, mount_error="permission denied")),
        F,
        "permission",
    ),
    ("storage.visible.all", two(pool_nfs=nfs(entries=None, is_exported=None, answers=False)), F, "answer"),
    ("storage.visible.all", two(pool_nfs=nfs(entries=None)), U, ""),
    ("storage.visible.all", two(pool_nfs=absent()), U, "no SSH"),
    ("storage.visible.all", on_lun(server(1), server(2)), P, WWID),
    ("storage.visible.all", on_lun(server(1), server(2, pool_lun=lun(is_seen=False))), F, "203.0.113.12"),
    ("storage.visible.all", on_lun(server(1), server(2, pool_lun=absent())), U, ""),
    ("storage.visible.all", pooled(**UNCLUSTERED), N, ""),
    ("storage.size.minimum", context(), P, "GB"),
    ("storage.size.minimum", two(pool_nfs=nfs(size_bytes=5 * 10**9)), W, "5.0 GB"),
    ("storage.size.minimum", on_lun(server(1, pool_lun=lun(size_bytes=9 * 10**9))), W, "9.0 GB"),
    ("storage.size.minimum", on_lun(server(1)), P, ""),
    ("storage.size.minimum", one(pool_nfs=nfs(size_bytes=None)), U, ""),
    ("storage.size.minimum", pooled(**UNCLUSTERED), N, ""),
    ("storage.nfs.empty", context(), P, ""),
    ("storage.nfs.empty", two(pool_nfs=nfs(entries=("ovspoolfs.img", "x"))), F, "ovspoolfs.img"),
    ("storage.nfs.empty", two(pool_nfs=nfs(entries=(".ovsrepo",))), F, ".ovsrepo"),
    ("storage.nfs.empty", two(pool_nfs=nfs(entries=None)), P, "203.0.113.11"),
    ("storage.nfs.empty", one(pool_nfs=nfs(entries=None)), U, ""),
    ("storage.nfs.empty", one(pool_nfs=absent()), U, "no SSH"),
    ("storage.nfs.empty", on_lun(server(1)), N, ""),
    ("storage.nfs.writable", context(), U, ""),
    ("storage.nfs.writable", one(pool_nfs=nfs(is_writable=True)), P, ""),
    ("storage.nfs.writable", one(pool_nfs=nfs(is_writable=False)), F, "rw"),
    ("storage.nfs.writable", on_lun(server(1)), N, ""),
    ("storage.nfs.root", context(), U, ""),
    ("storage.nfs.root", one(pool_nfs=nfs(keeps_root=True)), P, ""),
    ("storage.nfs.root", one(pool_nfs=nfs(keeps_root=False)), F, "no_root_squash"),
    ("storage.nfs.root", on_lun(server(1)), N, ""),
    ("storage.nfs.uniform", context(), P, ""),
    ("storage.nfs.uniform", two(pool_nfs=nfs(exports=("/export/poolfs", "/more"))), W, "/more"),
    ("storage.nfs.uniform", two(pool_nfs=nfs(exports=())), F, "/export/poolfs"),
    ("storage.nfs.uniform", two(pool_nfs=nfs(exports=None)), U, ""),
    ("storage.nfs.uniform", on_lun(server(1)), N, ""),
    ("storage.lun.clean", on_lun(server(1), server(2)), P, ""),
    ("storage.lun.clean", on_lun(server(1, pool_lun=lun(signatures=("ocfs2",), cluster="ab12"))), F, "ab12"),
    ("storage.lun.clean", on_lun(server(1, pool_lun=lun(signatures=None))), U, ""),
    ("storage.lun.clean", on_lun(server(1, pool_lun=absent())), U, "no SSH"),
    ("storage.lun.clean", context(), N, ""),
    (
        "storage.lun.clean",
        on_lun(server(1, pool_lun=old_volume())),
        F,
        "cluster 0004fb, label OVS_pool, uuid 77",
    ),
    ("storage.lun.clean", on_lun(server(1, pool_lun=old_volume(alive=(0, 3)))), F, "node 0, 3"),
    ("storage.lun.blank", on_lun(server(1), server(2)), P, ""),
    ("storage.lun.blank", on_lun(server(1, pool_lun=old_volume())), P, ""),
    ("storage.lun.blank", on_lun(server(1), server(2, pool_lun=lun(is_blank=False))), W, "203.0.113.12"),
    ("storage.lun.blank", on_lun(server(1), server(2, pool_lun=lun(is_blank=None))), P, ""),
    ("storage.lun.blank", on_lun(server(1, pool_lun=lun(is_blank=None))), U, "could not be read"),
    ("storage.lun.blank", context(), N, ""),
    ("storage.lun.free", on_lun(server(1), server(2)), P, ""),
    (
        "storage.lun.free",
        on_lun(server(1), server(2, pool_lun=lun(holders=("LVM",)))),
        F,
        "203.0.113.12: LVM",
    ),
    ("storage.lun.free", on_lun(server(1), server(2, pool_lun=lun(holders=None))), U, ""),
    ("storage.lun.free", context(), N, ""),
    ("storage.lun.shared", on_lun(server(1), server(2)), P, ""),
    ("storage.lun.shared", on_lun(server(1)), P, "storage network"),
    ("storage.lun.shared", on_lun(server(1, pool_lun=lun(is_local=True))), F, "local"),
    ("storage.lun.shared", on_lun(server(1, pool_lun=lun(is_local=None))), U, ""),
    ("storage.lun.shared", context(), N, ""),
    ("storage.lun.same", on_lun(server(1), server(2)), P, ""),
    ("storage.lun.same", on_lun(server(1), server(2, pool_lun=lun(size_bytes=10))), F, "rescan"),
    ("storage.lun.same", on_lun(server(1), server(2, pool_lun=lun(size_bytes=None))), U, ""),
    ("storage.lun.same", on_lun(server(1), server(2, pool_lun=old_volume())), P, ""),
    (
        "storage.lun.same",
        on_lun(server(1, pool_lun=old_volume()), server(2, pool_lun=old_volume(uuid="78"))),
        F,
        "different volumes",
    ),
    ("storage.lun.same", context(), N, ""),
    ("storage.sparc.nfs", on_lun(server(1, cpu=sparc())), F, "203.0.113.11"),
    ("storage.sparc.nfs", on_lun(server(1)), P, ""),
    ("storage.sparc.nfs", on_lun(server(1, cpu=absent())), U, ""),
    ("storage.sparc.nfs", context(), N, ""),
    ("storage.poolfs.dedicated", context(), P, "empty"),
    ("storage.poolfs.dedicated", one(pool_nfs=nfs(entries=("notes.txt",))), W, "notes.txt"),
    (
        "storage.poolfs.dedicated",
        told(
            file_systems=(SHARE,),
            file_servers=(NAS,),
            repositories=(ManagedRepository(id="r", name="r1", file_system="fs1"),),
        ),
        F,
        "repository r1",
    ),
    (
        "storage.poolfs.dedicated",
        told(
            file_systems=(SHARE,),
            file_servers=(NAS,),
            pools=(ManagedPool(id="p", name="p1", file_system="fs1"),),
        ),
        F,
        "pool p1",
    ),
    (
        "storage.poolfs.dedicated",
        wanting(
            pool=ON_LUN, manager_facts=manager(disks=(DISK.model_copy(update={"in_use_by": ("vm disk",)}),))
        ),
        F,
        "vm disk",
    ),
    ("storage.poolfs.dedicated", wanting(pool=ON_LUN), P, ""),
    ("storage.poolfs.dedicated", told(pools=absent("not read")), U, "not read"),
    ("storage.poolfs.dedicated", pooled(**UNCLUSTERED), N, ""),
]
