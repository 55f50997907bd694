"""Commands that destroy: declared, withheld until everything is proven, and never for what somebody uses."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.checks.fixes import DESTROYS, Harm, Proof, command, name, withheld
from core.checks.runner import run_one, targets, with_remedy
from core.models.facts import Fact, FactMissing
from core.models.results import FixCommand
from core.platforms.oracle_vm.facts import ManagedPool, OvmServerFacts, StoredCluster
from tests.unit.checks.builders import LUN, OTHER, OWN, REGISTRY, absent, context, lun, manager, nfs, server
from tests.unit.checks.making import managed
from tests.unit.checks.test_rows import ROWS

# -- the one place -----------------------------------------------------------------------------------------------------

ENDING = [
    "rm -ri /mnt/x", "rm /x", "cd /x && rm y", "dd if=/dev/zero of=/dev/sdb", "mkfs.ocfs2 /dev/sdb",
    "mkfs -t x /dev/sdb",
    "wipefs -a /dev/sdb", "mv /etc/ocfs2/cluster.conf /root/", "umount /mnt", "delete ServerPool id=1",
    "delete Server id=1", "remove Server id=1 from ServerPool id=2", "releaseOwnership Server id=1",
    "edit Server id=1 takeOwnership=no", "dmsetup remove x", "lvremove x", "vgremove x", "pvremove x",
    "ip addr del 203.0.113.10/24 dev bond0", "service o2cb offline x", "find / -name x -delete", "shred /dev/sdb",
    'ssh root@x "rm /y"',
]  # fmt: skip
LOOKING = [
    "mounted.ocfs2 -f", "mounted.ocfs2 -f /dev/mapper/x", "wipefs /dev/sdb", "ls -lA /export/rm", "show Server id=1",
    "service o2cb status", "iptables -S INPUT", "cat /etc/rm.conf", "list ServerPool", "ip addr show", "multipath -ll",
    "iptables -I INPUT -p tcp --dport 8899 -j ACCEPT", "service ovs-agent start", "cp -p /etc/hosts /etc/hosts.before",
    "grep -n ssl /etc/ovs-agent/agent.ini", "blkid /dev/dd", "echo pre-remove-hook",
]  # fmt: skip


@pytest.mark.parametrize("text", ENDING)
def test_what_ends_something_must_be_declared(text: str) -> None:
    with pytest.raises(ValueError, match="declare it"):
        command("s1", text)
    proven = command("s1", text, harm=Harm("it", (Proof(True, "-"),)))
    assert (proven.text, proven.destroys) == (text, "it")


@pytest.mark.parametrize("text", LOOKING)
def test_what_only_looks_or_starts_needs_no_proof(text: str) -> None:
    assert command("s1", text).text == text


@given(st.lists(st.sampled_from([True, False, None]), max_size=4))
def test_it_is_offered_only_when_there_is_proof_and_all_of_it_holds(holds: list[bool | None]) -> None:
    harm = Harm("the pool p", tuple(Proof(one, f"settle {index}") for index, one in enumerate(holds)))
    made = command("s1", "delete ServerPool name={pool}", harm=harm, pool=name("p"))
    if holds and all(one is True for one in holds):
        assert made.text == "delete ServerPool name=p"
    else:
        assert made == withheld("s1", harm)
        assert made.text == ""
        assert "settle first" in made.withheld
        for index, one in enumerate(holds):
            assert (f"settle {index}" in made.withheld) == (one is not True)


# -- every remedy on every row -----------------------------------------------------------------------------------------


ENDS_SOMETHING = (
    "server.vip.orphan", "server.cluster.stale", "server.pool.free", "manager.pool.leftover", "storage.nfs.empty",
    "storage.lun.clean",
)  # fmt: skip


def remedies(ctx: Any) -> list[tuple[str, FixCommand]]:
    """What the remedies that could end something say in this context, whether their check is hit or not."""
    found: list[tuple[str, FixCommand]] = []
    for check_id in ENDS_SOMETHING:
        try:
            found += [(check_id, one) for one in REGISTRY.remedies[check_id](ctx.servers, ctx)]
        except FactMissing:
            continue
    return found


def hits(check_id: str, ctx: Any) -> list[tuple[str, FixCommand]]:
    """What the remedy of this very check says where it is hit."""
    check = REGISTRY.checks[check_id]
    made = [with_remedy(REGISTRY, ctx, run_one(check, ctx, target)) for target in targets(check, ctx)]
    return [(check_id, one) for result in made for one in result.commands]


def users_of(ctx: Any, one: FixCommand) -> list[str]:
    """Who uses what a command would end, looked up without the code that withholds it."""
    told = ctx.fleet.manager
    if one.where == "manager":
        pools = [pool for pool in (told.pools.value or ()) if pool.id in one.text]
        assert len(pools) == 1, one
        return [
            *pools[0].members,
            *pools[0].guests,
            *(r.name for r in told.repositories.value or () if r.pool == pools[0].id),
        ]
    facts = ctx.fleet.servers[one.where]
    assert isinstance(facts, OvmServerFacts)
    users = [*(facts.running_guests.value or ()), *([facts.pool_id.value] if facts.pool_id.value else [])]
    users += ["cluster"] if facts.cluster_online.value or facts.cluster_running.value else []
    users += [facts.owner.value] if facts.owner.value not in (None, told.uuid.value) else []
    unread: list[Fact[Any]] = [facts.running_guests, facts.pool_id, facts.owner, facts.cluster_running]
    return users + ["unread" for fact in unread if not fact.is_known]


def test_no_remedy_ends_what_has_users_whatever_was_seen() -> None:
    seen = 0
    for check_id, ctx, _expected, _word in ROWS:
        for id_, one in [*remedies(ctx), *hits(check_id, ctx)]:
            assert bool(one.destroys) == bool(DESTROYS.search(one.text)), (id_, one)
            if one.destroys:
                seen += 1
                assert users_of(ctx, one) == [], (check_id, id_, one)
    assert seen > 3  # there are rows where something may be ended


_IN_TICKS = re.compile(r"`([^`]*)`")


def test_no_fix_in_words_holds_a_command_that_ends_something() -> None:
    for check_id, ctx, _expected, _word in ROWS:
        if check_id == "storage.trial.clean":  # the empty folder of our own trial, whose name only we know
            continue
        check = REGISTRY.checks[check_id]
        texts = [check.fix, *(run_one(check, ctx, target).fix for target in targets(check, ctx))]
        for text in texts:
            assert not [one for one in _IN_TICKS.findall(text) if DESTROYS.search(one)], (check_id, text)


# -- instances ---------------------------------------------------------------------------------------------------------

POOL = ManagedPool(id="0004fb0000020000aaaabbbbccccdddd", name="pool1", clustered=True)
STALE = {"stored_cluster": StoredCluster(name="6c2f1d0e9b8a7654")}


def offered(check_id: str, ctx: Any) -> tuple[list[str], list[str]]:
    """(commands that destroy, reasons why one is withheld) of one remedy."""
    made = [one for id_, one in remedies(ctx) if id_ == check_id]
    return [one.text for one in made if one.destroys], [one.withheld for one in made if one.withheld]


def empty_pool(*servers: OvmServerFacts, **pool: Any) -> Any:
    known = manager(pools=(POOL.model_copy(update=pool),))
    return context(*servers, manager_facts=known, pool={"name": "pool1"})


def test_an_empty_pool_of_which_nothing_is_alive_may_be_deleted_by_its_id() -> None:
    assert offered("manager.pool.leftover", empty_pool()) == ([f"delete ServerPool id={POOL.id}"], [])


@pytest.mark.parametrize(
    "ctx",
    [
        empty_pool(guests=("vm1",)),
        empty_pool(is_shown=False),
        empty_pool(server(1, vip_holder_mac="00:21:f6:aa:bb:cc"), server(2)),
        empty_pool(server(1, cluster_running=absent()), server(2)),
        empty_pool(server(1, planes={}), server(2)),
    ],
)
def test_an_empty_pool_that_may_be_alive_is_not(ctx: Any) -> None:
    ends, why = offered("manager.pool.leftover", ctx)
    assert ends == []
    assert "settle first" in why[0]


def test_a_pool_with_servers_is_never_named_in_a_delete() -> None:
    held = empty_pool(members=("11:00",), virtual_ip="203.0.113.10")
    assert offered("manager.pool.leftover", held) == ([], [])


def test_a_configured_cluster_that_is_offline_may_be_moved_away_and_one_that_is_online_not() -> None:
    assert offered("server.cluster.stale", context(server(1, **STALE), server(2)))[0] == [
        "mv -i /etc/ocfs2/cluster.conf /root/"
    ]
    for sign in (
        {"cluster_online": True},
        {"running_guests": ("vm1",)},
        {"owner": OTHER},
        {"owner": absent()},
    ):
        ends, why = offered("server.cluster.stale", context(server(1, **(STALE | sign)), server(2)))
        assert ends == []
        assert "settle first" in why[0]


def test_a_server_in_a_pool_and_one_of_another_manager_get_no_command_that_takes_them_away() -> None:
    entry = managed(pool_id=POOL.id, pool_name="pool1", owner=OWN)
    pooled = context(server(1), server(2), manager_facts=manager(servers=(entry,)))
    assert offered("server.pool.free", pooled) == ([], [])
    assert [one.text for id_, one in remedies(pooled) if id_ == "server.pool.free"] == [
        "show ServerPool name=pool1"
    ]
    assert "server.owner.this_manager" not in REGISTRY.remedies


def test_nothing_that_wipes_storage_is_offered() -> None:
    share = context(server(1, pool_nfs=nfs(entries=("ovspoolfs.img",))), server(2))
    ends, why = offered("storage.nfs.empty", share)
    assert ends == []
    assert "ovspoolfs.img" in why[0]
    disk = context(server(1, pool_lun=lun(signatures=("ocfs2",))), server(2), pool={"file_system": LUN})
    ends, why = offered("storage.lun.clean", disk)
    assert ends == []
    assert "whose it is" in why[0]
