"""What a plan says that its connections cannot see, and what is made of a setting that Manager shows oddly."""

from __future__ import annotations

from typing import Any

import pytest

from core.models.facts import PlaneFact, PlaneState
from core.models.plan import Plan
from core.models.spec import SshAccess
from core.platforms.oracle_vm.facts import ManagedPool, OvmFleet
from core.platforms.oracle_vm.manager_cli.parse import Attribute, Reply
from core.platforms.oracle_vm.planner import make_plan
from core.platforms.oracle_vm.spec import PoolSpec
from core.platforms.oracle_vm.steps.common import SeenPool
from core.platforms.oracle_vm.verifying import titles
from core.platforms.oracle_vm.verifying.settings import setting_items
from tests.unit.oracle_vm_plan.test_planner import NOW, fleet, seen, spec

BY_SSH = ["pool.vip_holder", "cluster.online", "cluster.threshold", "cluster.conf", "cluster.mounted"]


def with_ssh(wanted: PoolSpec) -> PoolSpec:
    return wanted.model_copy(update={"ssh": SshAccess()})


def with_facts(of: OvmFleet, **facts: Any) -> OvmFleet:
    """The same fleet, with these facts of its first server."""
    first = of.servers["203.0.113.11"]
    changed = first.model_copy(update=facts)
    return of.model_copy(update={"servers": {**of.servers, "203.0.113.11": changed}})


def named(wanted: PoolSpec, of: OvmFleet) -> dict[str, str]:
    return {item.id: item.why for item in make_plan(wanted, of, [], NOW).unobservable}


@pytest.mark.parametrize(
    ("wanted", "of", "ids"),
    [
        (spec(), fleet(), ["agents.membership", *BY_SSH]),
        (with_ssh(spec()), fleet(), ["agents.membership"]),
        (spec(clustered=False, file_system=None), fleet(), ["agents.membership", "pool.vip_holder"]),
        (spec(clustered=False, file_system=None, virtual_ip=None), fleet(), ["agents.membership"]),
        (with_ssh(spec()), fleet("3.2"), ["events.clean", "agents.membership"]),
        (
            with_ssh(spec(policy={"mode": "DRS"})),
            fleet("3.2"),
            ["pool.policy", "events.clean", "agents.membership"],
        ),
        (
            with_ssh(spec()),
            with_facts(fleet(), cpu_type=seen("sparc")),
            ["agents.membership", "cluster.online"],
        ),
        (
            with_ssh(spec()),
            with_facts(fleet(), planes={"ssh": PlaneFact(state=PlaneState.REFUSED, reason="login refused")}),
            ["agents.membership", *BY_SSH],
        ),
    ],
)
def test_the_plan_names_what_its_connections_cannot_see(
    wanted: PoolSpec, of: OvmFleet, ids: list[str]
) -> None:
    assert list(named(wanted, of)) == ids


def test_a_dead_login_is_named_with_its_server_and_reason() -> None:
    plane = PlaneFact(state=PlaneState.REFUSED, reason="login refused")
    why = named(with_ssh(spec()), with_facts(fleet(), planes={"ssh": plane}))
    assert why["pool.vip_holder"] == "203.0.113.11: login refused"
    assert named(spec(), fleet())["pool.vip_holder"] == titles.NO_LOGIN


def test_what_is_accepted_changes_the_digest_and_an_old_plan_keeps_its_own() -> None:
    plan = make_plan(spec(), fleet(), [], NOW)
    fewer = plan.model_copy(update={"unobservable": plan.unobservable[1:]})
    assert fewer.digest != plan.digest
    old = plan.model_copy(update={"unobservable": ()}).model_dump(mode="json")
    del old["unobservable"]
    assert Plan.model_validate(old).unobservable == ()
    assert Plan.model_validate(old).digest == plan.model_copy(update={"unobservable": ()}).digest


SHOWN = {
    "Keymap": "de-ch",
    "Vm Start Policy": "BEST_SERVER",
    "Vm Migrate Using SSL": "Yes",
    "Description": "of accounts",
    "Policy Mode": "DRS",
    "Policy Cpu Threshold": "60",
    "Policy Server 1": "aa  [one]",
    "Policy Server 2": "bb  [two]",
}
WANTED = spec(
    keymap="de-ch", start_policy="BEST_SERVER", secure_migration=True, description="of accounts",
    policy={"mode": "DRS", "cpu_threshold_pct": 60},
)  # fmt: skip


def items(shown: dict[str, str | None], release: str = "3.4") -> dict[str, tuple[bool | None, bool]]:
    """Whether each item holds and is essential, with these attributes instead of (None: without) SHOWN's."""
    lines = {name: value for name, value in {**SHOWN, **shown}.items() if value is not None}
    reply = Reply(attributes=tuple(Attribute(name, value) for name, value in lines.items()))
    plan = make_plan(WANTED, fleet(release), [], NOW)
    made = setting_items(WANTED, plan, SeenPool(ManagedPool(id="p", name="pool1"), reply))
    return {item.id: (item.holds, item.is_essential) for item in made}


def test_every_setting_that_was_set_is_read_back() -> None:
    assert items({}) == {
        "pool.keymap": (True, False),
        "pool.start_policy": (True, False),
        "pool.secure_migration": (True, False),
        "pool.description": (True, False),
        "pool.policy": (True, False),
    }


@pytest.mark.parametrize(
    ("id_", "attribute", "value", "expected"),
    [
        ("pool.keymap", "Keymap", None, (None, False)),
        ("pool.keymap", "Keymap", "Swiss German", (None, False)),
        ("pool.keymap", "Keymap", "fr", (False, False)),
        ("pool.start_policy", "Vm Start Policy", "Best Server", (True, False)),
        ("pool.start_policy", "Vm Start Policy", "CURRENT_SERVER", (False, False)),
        ("pool.start_policy", "Vm Start Policy", "7", (None, False)),
        ("pool.secure_migration", "Vm Migrate Using SSL", None, (None, False)),
        ("pool.secure_migration", "Vm Migrate Using SSL", "perhaps", (None, False)),
        ("pool.secure_migration", "Vm Migrate Using SSL", "No", (False, True)),
        ("pool.description", "Description", None, (None, False)),
        ("pool.description", "Description", "of  accounts ", (True, False)),
        ("pool.description", "Description", "", (False, False)),
        ("pool.policy", "Policy Mode", None, (None, False)),
        ("pool.policy", "Policy Mode", "DPM", (False, True)),
        ("pool.policy", "Policy Cpu Threshold", "75", (False, True)),
        ("pool.policy", "Policy Cpu Threshold", None, (True, False)),
        ("pool.policy", "Policy Server 2", None, (False, True)),
    ],
)
def test_what_is_not_shown_or_not_understood_is_no_answer(
    id_: str, attribute: str, value: str | None, expected: tuple[bool | None, bool]
) -> None:
    assert items({attribute: value})[id_] == expected


def test_a_release_without_words_for_a_policy_says_so() -> None:
    assert items({}, "3.2")["pool.policy"] == (None, False)
