"""What is approved is what runs: no label of a plan file is believed, and no edited one survives the plan made anew."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.cli.main import main
from core.errors import DriftError, ExitCode, PlanError, PoolwrightError
from core.models.plan import ByHand, Plan, PlanWarning
from core.platforms.oracle_vm.facts import ManagedServer
from core.platforms.oracle_vm.planner import make_plan
from core.platforms.oracle_vm.platform import PLATFORM
from core.reports.text import plan_text
from core.runner.plan_file import plan_document
from core.runner.review import require_same, require_whole
from core.service import Service
from tests.examples import examples
from tests.unit.oracle_vm_plan.test_planner import LUN, OWN, fleet, spec

EVIL = "\x1b[2J\x1b]0;x\x07\x9b1m\u202etxt\u2066\u200b\r\n    run : delete everything\b\x7f\ud800"
NFS_SPEC = spec()
NFS_PLAN = make_plan(NFS_SPEC, fleet(), [])
LUN_SPEC = spec(file_system=LUN, policy={"mode": "DRS"})
LUN_PLAN = make_plan(LUN_SPEC, fleet(), [])
PAIRS = [(NFS_SPEC, NFS_PLAN), (LUN_SPEC, LUN_PLAN)]


def edited(plan: Plan, change: Any) -> Plan:
    """A plan whose JSON somebody changed; every hash over it fits again."""
    data = copy.deepcopy(plan.model_dump(mode="json"))
    change(data)
    return Plan.model_validate(data)


def judged(plan: Plan, fresh: Plan, of: Any = NFS_SPEC) -> None:
    """As `apply --plan` judges it."""
    require_whole(plan, of, PLATFORM)
    require_same(plan, fresh, PLATFORM)


def test_the_plan_that_was_made_is_the_plan_that_is_made_again() -> None:
    for of, plan in PAIRS:
        judged(Plan.model_validate_json(plan.model_dump_json()), plan, of)


def test_labels_that_the_args_do_not_make_are_named_with_their_step() -> None:
    def lie(data: Any) -> None:
        step = next(one for one in data["steps"] if one["kind"] == "create_pool")
        step["args"]["pool"]["secure_migration"] = True

    with pytest.raises(PlanError, match=r"step create_pool:pool: commands are .*migrateUsingSsl=No.*=Yes"):
        require_whole(edited(NFS_PLAN, lie), NFS_SPEC, PLATFORM)


def test_args_and_labels_edited_alike_are_found_by_planning_anew() -> None:
    def lie(data: Any) -> None:
        step = next(one for one in data["steps"] if one["kind"] == "create_pool")
        step["args"]["pool"]["secure_migration"] = True

    plan = edited(NFS_PLAN, lie).with_lines(PLATFORM.lines_of)
    require_whole(plan, NFS_SPEC, PLATFORM)
    told = r"step create_pool:pool: args\.pool\.secure_migration is true, planned now it is false"
    with pytest.raises(PlanError, match=told):
        require_same(plan, NFS_PLAN, PLATFORM)


def test_what_servers_told_otherwise_is_drift() -> None:
    managed = ManagedServer(id="11:00", name="a", address="203.0.113.11", owner=OWN, state="Running")
    fresh = make_plan(NFS_SPEC, fleet(servers=(managed,)), [])
    with pytest.raises(DriftError, match=r"step own_server:203\.0\.113\.11: "):
        judged(NFS_PLAN, fresh)


def test_a_plan_of_another_spec_is_refused() -> None:
    with pytest.raises(PlanError, match="not made from the pool description"):
        require_whole(NFS_PLAN, spec(timeout_s=60), PLATFORM)


def test_a_warning_that_was_taken_out_is_missed() -> None:
    fresh = NFS_PLAN.model_copy(update={"warnings": (*NFS_PLAN.warnings, PlanWarning(id="x.y", text="t"))})
    with pytest.raises(DriftError, match=r"does not tell of x\.y"):
        judged(NFS_PLAN, fresh)
    assert fresh.digest != NFS_PLAN.digest


def test_grounds_that_were_taken_out_are_missed() -> None:
    """What is not in the basis cannot drift: whoever shortens it lets a run begin on other grounds."""

    def shorten(data: Any) -> None:
        del data["basis"]["server:203.0.113.11:id"]

    with pytest.raises(DriftError, match=r"basis\.server:203\.0\.113\.11:id is not there, planned now it is"):
        judged(edited(NFS_PLAN, shorten), NFS_PLAN)


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _leaves(item, (*path, index))
    else:
        yield path


def _other(value: Any) -> Any:
    return {bool: not value, int: 77, float: 7.5}.get(
        type(value), f"{value}x" if isinstance(value, str) else "x"
    )


@given(st.sampled_from(PAIRS), st.data())
@examples(150)
def test_no_changed_value_of_any_step_survives(pair: Any, data: st.DataObject) -> None:
    of, plan = pair
    at = data.draw(st.sampled_from(sorted(_leaves(plan.model_dump(mode="json")["steps"]), key=str)))

    def change(document: Any) -> None:
        inner = document["steps"]
        for key in at[:-1]:
            inner = inner[key]
        inner[at[-1]] = _other(inner[at[-1]])

    try:
        changed = edited(plan, change)
    except ValueError:
        return  # no plan at all any more
    assert changed.digest != plan.digest
    with pytest.raises((PlanError, DriftError)):
        judged(changed, plan, of)
    try:  # nor when the labels are made to fit
        fitting = changed.with_lines(PLATFORM.lines_of)
    except PoolwrightError:
        return
    if fitting != plan:
        with pytest.raises((PlanError, DriftError)):
            judged(fitting, plan, of)


def test_a_display_shows_what_the_args_make() -> None:
    def lie(data: Any) -> None:
        for step in data["steps"]:
            step["commands"], step["undo_commands"] = ["show version"], []

    assert plan_text(edited(NFS_PLAN, lie)) == plan_text(NFS_PLAN)


def evil_plan() -> Plan:
    """Every text that a plan may hold is full of what acts on a terminal."""

    def spoil(data: Any) -> None:
        for step in data["steps"]:
            step |= {"title": EVIL, "lane": EVIL, "undo_needs": [EVIL], "undo_note": EVIL}

    by_hand = ByHand(id=EVIL, what=EVIL, where=EVIL, why=EVIL, commands=(EVIL,))
    more = {
        "pool": EVIL,
        "warnings": (PlanWarning(id=EVIL, text=EVIL),),
        "by_hand": (by_hand,),
        "accepted": (EVIL,),
    }
    return edited(NFS_PLAN, spoil).model_copy(update={**more, "verification": (EVIL,)})


def is_plain(text: str) -> bool:
    return all(char == "\n" or char.isprintable() for char in text)


def test_no_character_of_a_plan_acts_on_a_terminal() -> None:
    text = plan_text(evil_plan())
    assert is_plain(text)
    assert r"\x1b[2J" in text  # seen, not left out
    assert not [line for line in text.splitlines() if line.strip().startswith("run : delete")]


def test_nor_does_one_in_an_error() -> None:
    with pytest.raises(PoolwrightError) as caught:
        require_same(evil_plan(), NFS_PLAN, PLATFORM)
    assert is_plain(str(caught.value))


def test_approve_shows_it_all_and_refuses_what_was_edited(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, folder = tmp_path / "plan.json", tmp_path / "approvals"
    folder.mkdir()
    path.write_text(json.dumps(plan_document(evil_plan(), NFS_SPEC.model_dump(mode="json"), [])))
    assert main(["approve", str(path), "--approvals", str(folder), "--yes"]) == ExitCode.DONE
    said = capsys.readouterr()
    assert is_plain(said.out + said.err)

    def lie(data: Any) -> None:
        data["steps"][0]["commands"] = [EVIL]

    path.write_text(json.dumps(plan_document(edited(NFS_PLAN, lie), NFS_SPEC.model_dump(mode="json"), [])))
    assert main(["approve", str(path), "--approvals", str(folder), "--yes"]) == ExitCode.BAD_INPUT
    said = capsys.readouterr()
    assert is_plain(said.out + said.err)
    assert "step own_server:203.0.113.11: commands are" in said.err
    assert Service(tmp_path / "state").plan_json(NFS_SPEC, NFS_PLAN)
