"""What one server sees of the storage meant for the pool. Pure data; any platform may fill it."""

from __future__ import annotations

from core.models.base import Frozen


class NfsLook(Frozen):
    """What one server sees of the NFS export meant for the pool file system.

    None means 'not looked at'. `entries` are the names at the top of the share, from a mount that was there
    already or a short read-only one. `is_writable` and `keeps_root` need an intrusive probe.
    """

    export: str  # server:/path
    answers: bool | None = None  # showmount got a reply
    is_exported: bool | None = None
    allowed: str = ""  # the client list of the export as showmount prints it
    exports: tuple[str, ...] | None = None  # all exports this server is shown
    entries: tuple[str, ...] | None = None
    size_bytes: int | None = None
    free_bytes: int | None = None
    is_writable: bool | None = None
    keeps_root: bool | None = None
    left_by_us: str = ""  # where a trial of ours could not take everything away again
    mount_error: str = ""
    address: str | None = None  # what the name of the NFS server resolves to, on this server
    versions: tuple[int, ...] | None = None  # NFS versions it offers


class VolumeLook(Frozen):
    """A cluster volume as its own first bytes tell. Node numbers; `uuid` 32 capital hex digits.

    `mounted_by` None: its slot map was not read. `alive`: nodes whose heartbeat moved between two looks; that none
    did says nothing, the looks may be closer together than the beats.
    """

    label: str = ""
    uuid: str = ""
    stack: str = ""
    cluster: str = ""
    mounted_by: tuple[int, ...] | None = None
    alive: tuple[int, ...] = ()


class LunLook(Frozen):
    """What one server sees of the LUN meant for the pool file system. None means 'not looked at'."""

    wwid: str
    is_seen: bool
    device: str = ""
    size_bytes: int | None = None
    is_local: bool | None = None
    paths: int | None = None
    signatures: tuple[str, ...] | None = None  # ocfs2, LVM2_member, gpt, ...; () = looked at, nothing there
    cluster: str = ""  # cluster or label in the OCFS2 superblock
    is_blank: bool | None = (
        None  # whether its first bytes are all empty; False: something is there, known or not
    )
    content_id: str = ""  # uuid of what lies there, as the server reads it; "" where nothing has one
    volume: VolumeLook | None = None  # of an OCFS2 volume
    holders: tuple[str, ...] | None = None  # mounts, swaps, device-mapper children that use it
