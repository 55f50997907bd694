"""What lies on the pool's LUN is read from its first bytes, over the channels that are open anyway."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from core.lab.world import LabLun
from core.models.results import Verdict
from core.platforms.oracle_vm.facts import LunLook, OvmFleet
from core.transports.ssh import SshSession
from tests.lab.collect.looking import Look, looking

CLUSTER = "0004fb0000050000"
SERVERS = ("203.0.113.11", "203.0.113.12")


def pool_lun(look: Look) -> LabLun:
    return next(lun for lun in look.lab.world.luns.values() if lun.local_to is None)


def seen(fleet: OvmFleet, name: str) -> LunLook:
    facts = fleet.ovm_server(name)
    assert facts is not None
    assert facts.pool_lun.value is not None, facts.pool_lun.missing
    return facts.pool_lun.value


@pytest.mark.asyncio
@pytest.mark.parametrize("release", [6, 5])
async def test_an_old_pool_is_told_by_its_superblock(release: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Enterprise Linux 5 has no base64 and no wipefs: openssl armours the bytes there."""
    opened: Counter[str] = Counter()
    run = SshSession.run

    async def counted(self: SshSession, *args: Any, **how: Any) -> Any:
        opened[self.server] += 1
        return await run(self, *args, **how)

    monkeypatch.setattr(SshSession, "run", counted)
    async with looking("healthy-lun", servers=2) as look:
        lun = pool_lun(look)
        lun.content, lun.cluster, lun.label = "poolfs", CLUSTER, "OVS_pool"
        for server in look.lab.world.servers.values():
            server.os_version = (release, *server.os_version[1:])
        fleet = await look.collect()
        results = await look.judged(fleet)
    for name in SERVERS:
        told = seen(fleet, name)
        assert (told.signatures, told.cluster, told.is_blank) == (("ocfs2",), CLUSTER, False)
        assert told.volume is not None
        assert (told.volume.label, told.volume.stack) == ("OVS_pool", "o2cb")
        assert told.content_id == told.volume.uuid
    (clean,) = (one for one in results if one.id == "storage.lun.clean")
    assert clean.verdict is Verdict.FAIL
    assert f"cluster {CLUSTER}, label OVS_pool, uuid " in clean.detail
    assert dict(opened) == dict.fromkeys(SERVERS, 3), "a second look needs no channel of its own"


@pytest.mark.asyncio
async def test_an_empty_lun_is_told_empty_by_its_bytes() -> None:
    async with looking("healthy-lun", servers=2) as look:
        fleet = await look.collect()
        results = await look.judged(fleet)
    assert [seen(fleet, name).is_blank for name in SERVERS] == [True, True]
    assert {one.verdict for one in results if one.id == "storage.lun.blank"} == {Verdict.PASS}
