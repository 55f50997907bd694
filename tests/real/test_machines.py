"""Emulated Linux machines with shared LUNs, a running and a left-over cluster, an NFS server and wrong clocks: every
fault is found over SSH."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, TypeVar

import pytest

from core.errors import TransportError
from core.facts.batch import run_batch
from core.facts.looks import VolumeLook
from core.facts.nfs_trial import TRIAL_S, NfsTrial, nfs_trial, read_trial
from core.facts.ocfs2 import Ocfs2Volume
from core.facts.superblock import DeviceHead, decode_bytes, head_look, range_look, read_head
from core.models.results import Verdict
from core.platforms.oracle_vm.spec import PoolSpec
from core.transports.ssh import SshSession
from tests.real.looking import SLOW, Look, Reached, look, sessions_to, spec_of
from tests.real.machines import Lab, Machine, running_or_skip, why_not
from tests.real.scenery import CLOCK_OFF_S, CLUSTER, OLD_CLUSTER, STALE_NODES, Scenery, plan, prepare
from tests.real.test_images import needs_ocfs2

pytestmark = [
    pytest.mark.real,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(bool(why_not()), reason=why_not() or "-"),
    needs_ocfs2,
]
T = TypeVar("T")


class Stage:
    """The running machines and one look for each storage that a pool could want."""

    def __init__(self, lab: Lab, scenery: Scenery) -> None:
        self.lab, self.scenery = lab, scenery
        self._looks: dict[str, Look] = {}

    @property
    def names(self) -> list[str]:
        return [machine.address for machine in self.scenery.servers]

    def lun(self, name: str, *servers: int) -> Look:
        """A look for a pool on this LUN, from all servers or those of these numbers."""
        return self._look(name, {"kind": "lun", "wwid": self.scenery.luns[name]}, servers)

    def nfs(self, name: str, *servers: int) -> Look:
        """A look for a pool on this export, as `check --intrusive` does it."""
        share = {"kind": "nfs", "server": self.scenery.nfs.address, "export": f"/export/{name}"}
        return self._look(f"nfs-{name}", share, servers)

    def _look(self, key: str, file_system: dict[str, Any], servers: tuple[int, ...]) -> Look:
        if key not in self._looks:
            wanted = [one for one in self.scenery.servers if not servers or one.number in servers]
            self._looks[key] = asyncio.run(
                look(self._spec(wanted, file_system), SLOW, intrusive=file_system["kind"] == "nfs")
            )
        return self._looks[key]

    def _spec(self, machines: Sequence[Machine], file_system: dict[str, Any]) -> PoolSpec:
        reached = [Reached(one.address, self.lab.ports[one.address]) for one in machines]
        return spec_of(reached, self.lab.key_file, vip="10.77.0.100", file_system=file_system)

    def on(self, machine: Machine, work: Callable[[SshSession], Awaitable[T]]) -> T:
        """Do something over poolwright's own session to one machine."""
        spec = self._spec([machine], {"kind": "lun", "wwid": self.scenery.luns["good"]})

        async def run() -> T:
            async with sessions_to(spec) as sessions:
                return await work(sessions[machine.address])

        return asyncio.run(run())

    def head(self, machine: Machine, lun: str) -> DeviceHead:
        """What lies on a LUN, as one machine reads it, the second look included."""
        device = f"/dev/disk/by-id/wwn-0x{self.scenery.luns[lun]}"

        async def work(session: SshSession) -> DeviceHead:
            sections = await run_batch(session, head_look(device), limit_s=120)
            data = decode_bytes(sections["head"].text)
            first = read_head(data)
            if first.ocfs2 is None or not first.ocfs2.wanted:
                return first
            wanted = await run_batch(session, range_look(device, first.ocfs2.wanted), limit_s=120)
            more = {int(key.removeprefix("at-")): decode_bytes(one.text) for key, one in wanted.items()}
            return read_head(data, more)

        return self.on(machine, work)

    def volume(self, machine: Machine, lun: str) -> Ocfs2Volume:
        found = self.head(machine, lun).ocfs2
        assert found is not None
        return found

    def trial(self, machine: Machine, export: str) -> NfsTrial:
        """The intrusive trial of an export."""
        word = secrets.token_hex(6)
        commands = nfs_trial(self.scenery.nfs.address, f"/export/{export}", f"/tmp/.pw{word}", f".pw{word}")

        async def work(session: SshSession) -> NfsTrial:
            return read_trial((await run_batch(session, commands, limit_s=TRIAL_S * 4))["trial"])

        return self.on(machine, work)


def volume_of(found: Look, machine: Machine) -> VolumeLook:
    """The OCFS2 volume on the LUN as poolwright's own look at this machine found it."""
    look = found.facts(machine.address).pool_lun.value
    assert look is not None
    assert look.volume is not None
    return look.volume


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("machines")
    scenery = plan(folder)
    with running_or_skip(folder, scenery.all) as lab:
        prepare(lab, scenery)
        yield Stage(lab, scenery)


def test_a_lun_without_faults(stage: Stage) -> None:
    found = stage.lun("good")
    for id_ in ("storage.visible.all", "storage.lun.clean", "storage.lun.free", "storage.lun.same"):
        assert found.verdict(id_) is Verdict.PASS, found.detail(id_)
    assert found.verdict("storage.lun.blank") is Verdict.PASS
    assert stage.head(stage.scenery.servers[0], "good").is_free is True


def test_live_cluster_on_the_lun(stage: Stage) -> None:
    """Somebody else's running pool: told by a server of that pool and by one that has nothing to do with it."""
    found = stage.lun("live", 2, 3)
    assert found.verdict("storage.lun.clean") is Verdict.FAIL
    assert found.verdict("storage.lun.free") is Verdict.FAIL
    _, two, three = stage.scenery.servers
    assert two.address in found.hits()["storage.lun.free"].servers
    before = stage.volume(three, "live")
    assert (before.label, before.cluster, before.stack) == ("poolfs", CLUSTER, "o2cb")
    assert before.is_global_heartbeat
    assert sorted(before.mounted_by or ()) == [0, 1]
    assert f"cluster {CLUSTER}, label poolfs, uuid {before.uuid}" in found.detail("storage.lun.clean")
    for machine in (two, three):  # the look itself read it, with nothing but what every server has
        told = volume_of(found, machine)
        assert (told.label, told.uuid, told.cluster, told.stack) == ("poolfs", before.uuid, CLUSTER, "o2cb")
        assert told.mounted_by == (0, 1)
        assert set(told.alive) <= {0, 1}
    moved: set[int] = set()
    for _ in range(10):
        moved |= set(stage.volume(three, "live").moved_since(before))
        if moved == {0, 1}:
            break
    assert moved == {0, 1}


def test_stale_cluster_on_the_lun(stage: Stage) -> None:
    """Marked as mounted by servers that are gone: no heart beats."""
    found = stage.lun("stale", 3)
    assert found.verdict("storage.lun.clean") is Verdict.FAIL
    three = stage.scenery.servers[2]
    told = volume_of(found, three)
    assert (told.label, told.mounted_by, told.alive) == (OLD_CLUSTER, STALE_NODES, ())
    before, after = (stage.volume(three, "stale") for _ in range(2))
    assert (before.label, before.mounted_by) == (OLD_CLUSTER, STALE_NODES)
    assert [beat.node for beat in before.beats or ()] == list(STALE_NODES)
    assert after.moved_since(before) == ()


def test_stale_and_live_o2cb_on_the_servers(stage: Stage) -> None:
    found = stage.lun("good")
    one, two, three = stage.scenery.servers
    for machine, cluster in ((one, CLUSTER), (two, CLUSTER), (three, OLD_CLUSTER)):
        assert found.verdict("server.cluster.stale", machine.address) is Verdict.FAIL
        assert cluster in found.detail("server.cluster.stale", machine.address)


def test_a_lun_that_one_server_does_not_see(stage: Stage) -> None:
    found = stage.lun("missing", 2, 3)
    assert found.verdict("storage.visible.all") is Verdict.FAIL
    assert set(found.hits()["storage.visible.all"].servers) == {stage.scenery.servers[2].address}


def test_the_same_disk_under_another_wwid(stage: Stage) -> None:
    """A clone, or a LUN presented twice: the third server sees these very bytes, but not this WWID."""
    found = stage.lun("clone", 2, 3)
    assert found.verdict("storage.visible.all") is Verdict.FAIL
    assert set(found.hits()["storage.visible.all"].servers) == {stage.scenery.servers[2].address}


def test_a_copy_carries_the_same_volume_under_another_wwid(stage: Stage) -> None:
    one = stage.scenery.servers[0]
    assert stage.volume(one, "copy").uuid == stage.volume(one, "stale").uuid
    assert stage.scenery.luns["copy"] != stage.scenery.luns["stale"]


def test_a_good_export(stage: Stage) -> None:
    found = stage.nfs("good", 1)
    assert found.verdict("storage.visible.all") is Verdict.PASS, found.detail("storage.visible.all")
    for id_ in ("storage.nfs.empty", "storage.nfs.writable", "storage.nfs.root", "storage.trial.clean"):
        assert found.verdict(id_) is Verdict.PASS, found.detail(id_)
    trial = stage.trial(stage.scenery.servers[1], "good")
    assert (trial.is_writable, trial.keeps_root, trial.is_clean) == (True, True, True), trial


def test_root_squash(stage: Stage) -> None:
    found = stage.nfs("squash", 1)
    assert found.verdict("storage.nfs.root") is Verdict.FAIL
    assert found.verdict("storage.trial.clean") is Verdict.PASS
    stage.lab.run(stage.scenery.nfs, "chmod 1777 /export/squash")
    trial = stage.trial(stage.scenery.servers[0], "squash")
    assert (trial.is_writable, trial.keeps_root, trial.is_clean) == (True, False, True), trial


def test_read_only_export_with_left_overs(stage: Stage) -> None:
    found = stage.nfs("readonly", 1)
    assert found.verdict("storage.nfs.empty") is Verdict.FAIL
    assert "ovspoolfs.img" in found.detail("storage.nfs.empty")
    assert found.verdict("storage.nfs.writable") is Verdict.FAIL
    assert found.verdict("storage.nfs.root") is Verdict.UNKNOWN  # nobody could make a file there
    assert found.verdict("storage.trial.clean") is Verdict.PASS


def test_trials_leave_nothing_behind(stage: Stage) -> None:
    for export in ("good", "squash", "readonly"):
        stage.nfs(export, 1)
    left = stage.lab.run(stage.scenery.nfs, "find /export -name '.p*'")
    mounted = stage.lab.run(stage.scenery.servers[0], "grep /tmp /proc/mounts; ls -A /tmp; true")
    assert (left, mounted.strip()) == ("", "")


def test_a_trial_whose_connection_is_cut_cleans_up_by_itself(stage: Stage) -> None:
    one = stage.scenery.servers[0]
    word = secrets.token_hex(6)
    folder, file = f"/tmp/.pw{word}", f".pw{word}"
    commands = nfs_trial(stage.scenery.nfs.address, "/export/good", folder, file)

    async def cut(session: SshSession) -> None:
        begun = asyncio.create_task(session.run(f"until [ -d {folder} ]; do sleep 0.05; done", limit_s=120))
        trial = asyncio.create_task(run_batch(session, commands, limit_s=TRIAL_S * 4))
        await begun
        session.connection.abort()
        with pytest.raises(TransportError):
            await trial

    stage.on(one, cut)
    gone = f"while [ -e {folder} ]; do sleep 0.2; done; grep -c {folder} /proc/mounts; true"
    assert stage.lab.run(one, gone).strip() == "0"
    assert stage.lab.run(stage.scenery.nfs, f"ls -A /export/good | grep -c {file}; true").strip() == "0"


def test_a_clock_that_is_off(stage: Stage) -> None:
    found = stage.lun("good")
    three = stage.scenery.servers[2].address
    assert found.verdict("pair.clock.skew") is Verdict.WARN
    assert set(found.hits()["pair.clock.skew"].servers) == {three}, found.detail("pair.clock.skew")
    offsets = {name: found.facts(name).clock_offset_s.value or 0.0 for name in stage.names}
    errors = {name: found.facts(name).clock_error_s.value or 0.0 for name in stage.names}
    others = [offset for name, offset in offsets.items() if name != three]
    assert abs(offsets[three] - CLOCK_OFF_S) < 5 + errors[three]
    assert all(abs(offset) < 5 for offset in others)


def test_ntp_absent_and_ntp_on_its_own_clock(stage: Stage) -> None:
    found = stage.lun("good")
    one, two, three = (found.facts(name) for name in stage.names)
    assert (one.ntp_is_running.value, two.ntp_is_running.value, three.ntp_is_running.value) == (
        True,
        False,
        True,
    )
    assert [peer.address for peer in one.ntp_peers.value or ()] == ["10.77.0.254"]
    assert not two.ntp_peers.value
    assert all(peer.address.startswith(("127.127.1.", "LOCAL")) for peer in three.ntp_peers.value or ())
    for id_, name, verdict in (
        ("server.ntp.running", stage.names[0], Verdict.PASS),
        ("server.ntp.running", stage.names[1], Verdict.WARN),
        ("server.ntp.source", stage.names[2], Verdict.WARN),
        ("server.ntp.synchronised", stage.names[2], Verdict.WARN),
    ):
        assert found.verdict(id_, name) is verdict, (id_, found.detail(id_, name))
