"""One server's look at the storage meant for the pool: which commands belong to it, and what their output tells.

The commands are part of the batches of core.platforms.oracle_vm.look_dom0; a look has no connection of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from core.facts import commands, linux
from core.facts.batch import Section, new_token
from core.facts.looks import LunLook, NfsLook
from core.facts.nfs_trial import TRIAL_S, nfs_trial, read_trial
from core.facts.probe import Observed, absent, clean
from core.facts.superblock import DeviceHead, head_look
from core.models.facts import Fact, Mount
from core.models.gaps import Gap, GapKind
from core.platforms.oracle_vm.endpoints import SSH
from core.platforms.oracle_vm.probes import lun, nfs
from core.platforms.oracle_vm.spec import LunFileSystem, NfsFileSystem, PoolSpec
from core.text import inert

FIELDS = ("pool_nfs", "nfs_exports", "pool_lun")
Sections = Mapping[str, Section]
_NOT_WANTED = "not part of this pool"


class StorageLook:
    """What one server sees of the pool's share or LUN. Ask for `batch`, then `read`; then `again` and `read_again`.

    `base` holds the sections of the server's own batch. With `intrusive` a file of ours is written into the share
    and taken away again.
    """

    def __init__(
        self, name: str, spec: PoolSpec, base: Sections, *, is_solaris: bool, intrusive: bool = False
    ) -> None:
        self.name, self.base, self.is_solaris = name, base, is_solaris
        self.wanted = spec.pool.file_system if spec.pool.clustered else None
        self._writes = intrusive and isinstance(self.wanted, NfsFileSystem)
        self._scratch = _scratch()
        self._trial_folder = _scratch()
        self._look: NfsLook | LunLook | None = None
        self._head: DeviceHead | None = None
        self._why_not = _NOT_WANTED

    def batch(self) -> tuple[dict[str, str], dict[str, int]]:
        """(commands, seconds each may take over there); both empty where nothing can be asked."""
        try:
            if isinstance(self.wanted, NfsFileSystem):
                return self._nfs_batch(self.wanted)
            if isinstance(self.wanted, LunFileSystem):
                return self._lun_batch(self.wanted)
        except ValueError as error:
            self._why_not = inert(str(error), 300)
        return {}, {}

    def read(self, sections: Sections) -> Observed:
        """The fields of FIELDS; where nothing was asked, the fact says why."""
        found: Observed = {}
        if isinstance(self._look, NfsLook) and isinstance(self.wanted, NfsFileSystem):
            found = self._read_nfs(self.wanted, self._look, sections)
        elif isinstance(self._look, LunLook):
            found["pool_lun"] = self._read_lun(self._look, sections)
        mine = "pool_nfs" if isinstance(self.wanted, NfsFileSystem) else "pool_lun"
        for field in FIELDS:
            reason = self._why_not if field == mine else _NOT_WANTED
            gap = Gap(kind=GapKind.NOT_POSSIBLE, connection=SSH, text=reason)
            found.setdefault(field, absent(field, gap))
        return found

    def again(self) -> dict[str, str]:
        """What an OCFS2 volume on the LUN is looked at for a second time; its heartbeat moves where it is alive."""
        return lun.second_look(self._look.device, self._head) if isinstance(self._look, LunLook) else {}

    def read_again(self, sections: Sections) -> Observed:
        """The fact of the LUN with what the second look told; {} where there was none."""
        if not isinstance(self._look, LunLook) or self._head is None or self._head.ocfs2 is None:
            return {}
        self._look = lun.read_again(self._look, self._head, sections)
        return {"pool_lun": _seen(self._look, "ssh dd, multipath -ll, blkid")}

    # -- NFS --

    def _nfs_batch(self, wanted: NfsFileSystem) -> tuple[dict[str, str], dict[str, int]]:
        """Exports first; then into the share: where it is mounted already, or read-only for a moment (R003)."""
        self._look = NfsLook(export=f"{wanted.server}:{wanted.export}")
        asked = {} if self.is_solaris else commands.sweep_scratch()
        look = commands.nfs_look(wanted.server, wanted.export, self._scratch, is_solaris=self.is_solaris)
        path = nfs.mounted_at(self._mounts(), wanted.server, None, wanted.export)
        if path is not None:
            kept = {name: look[name] for name in ("address", "showmount", "rpcinfo")}
            look = kept | commands.mounted_look(path)
        asked |= look
        limits = dict.fromkeys(asked, commands.STORAGE_S)
        if self._writes:
            name = self._trial_folder.rpartition("/")[2]
            asked |= nfs_trial(
                wanted.server, wanted.export, self._trial_folder, name, is_solaris=self.is_solaris
            )
            limits["trial"] = TRIAL_S
        return asked, limits

    def _read_nfs(self, wanted: NfsFileSystem, look: NfsLook, sections: Sections) -> Observed:
        look = nfs.read_nfs(wanted.server, wanted.export, sections)
        source = "ssh showmount, ls"
        if "trial" in sections:  # what writing told, on top of what looking did (R017, R018)
            told = read_trial(sections["trial"], self._trial_folder)
            left = {} if told.is_clean else {"left_by_us": f"{self.name}:{self._trial_folder}"}
            look = look.model_copy(
                update={"is_writable": told.is_writable, "keeps_root": told.keeps_root} | left
            )
            source = "ssh mount, touch, ls"
        found: Observed = {"pool_nfs": _seen(look, source)}
        if look.exports is not None:
            found["nfs_exports"] = _seen({wanted.server: look.exports}, "ssh showmount -e")
        return found

    # -- LUN --

    def _lun_batch(self, wanted: LunFileSystem) -> tuple[dict[str, str], dict[str, int]]:
        maps = {name: self.base[name] for name in commands.LUN_MAP if name in self.base}
        device, self._look = lun.find_lun(wanted.wwid, maps)
        asked = head_look(device) | commands.lun_look(device) if device else {}
        return asked, dict.fromkeys(asked, commands.STORAGE_S)

    def _read_lun(self, look: LunLook, sections: Sections) -> Fact[Any]:
        if look.device:
            swaps = self.base.get("swaps")
            used = linux.parse_swaps(swaps.text) if swaps is not None and swaps.worked else ()
            self._head = lun.head_of(sections.get("head"))
            look = lun.read_lun(look, self._head, sections, self._mounts(), used)
        self._look = look
        return _seen(look, "ssh dd, multipath -ll, blkid" if self._head else "ssh multipath -ll, blkid")

    def _mounts(self) -> tuple[Mount, ...]:
        """Without those that a look of ours left behind: they are swept."""
        section = self.base.get("mounts")
        mounts = linux.parse_mounts(section.text) if section is not None and section.worked else ()
        return tuple(one for one in mounts if not one.path.startswith(f"/tmp/{commands.SCRATCH}"))  # noqa: S108


def _scratch() -> str:
    """A folder that nobody has yet; made with mkdir -m 700, which fails where it exists."""
    return f"/tmp/{commands.SCRATCH}{new_token()[-16:]}"  # noqa: S108


def _seen(value: Any, source: str) -> Fact[Any]:
    return Fact[Any].seen(clean(value), source, datetime.now(UTC))
