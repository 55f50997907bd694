"""One line in, one line out: what the executor does for a plan, a history and a fault."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from core.engine.control import Control, Wish
from core.engine.executor import Executor, OnFailure
from core.engine.journal import Entry, Journal
from core.engine.planner import check_plan
from core.engine.reading import EngineLimits
from core.engine.undoing import Stopped
from core.errors import StepError
from core.models.events import EventKind, Outcome, RunState, StepState
from core.models.plan import JsonDict, PlanAim
from core.paths import StatePaths
from tests.engine.toys import ToyWorld, toy_plan, toy_steps, toy_verify

QUICK = EngineLimits(read_attempts=2, undo_attempts=2, retry_delay_s=0)


async def no_sleep(_seconds: float) -> None:
    """Waits are not what is tested here."""


def make_world(tmp_path: Path, given: str) -> tuple[ToyWorld, dict[str, str]]:
    """`given` is `step:fault` words; `was-...` sets the history instead."""
    root = tmp_path / "world"
    root.mkdir()
    world, history = ToyWorld(root), {}
    for word in given.split():
        name, _, fault = word.partition(":")
        if fault.startswith("was-") or fault == "exists":
            history[name] = fault
        else:
            world.faults[name] = fault
    return world, history


def write_history(journal: Journal, world: ToyWorld, history: dict[str, str]) -> None:
    """Bring journal and world to where an earlier process left them."""
    states = {
        "was-done": (StepState.DOING, StepState.DONE),
        "was-doing": (StepState.DOING,),
        "was-doing-made": (StepState.DOING,),
        "was-doing-half": (StepState.DOING,),
        "was-undoing": (StepState.DOING, StepState.DONE, StepState.UNDOING),
    }
    entries = [
        Entry(EventKind.STEP_STATE, "", name, state)
        for name, fault in history.items()
        for state in states.get(fault, ())
    ]
    if entries:
        journal.write(Entry(EventKind.RUN_STATE, state=RunState.RUNNING), *entries)
    if "was-undoing" in history.values():
        journal.write(Entry(EventKind.RUN_STATE, "told before", state=RunState.ROLLING_BACK))
    for name, fault in history.items():
        if fault in ("was-done", "was-doing-made", "exists", "was-doing-half"):
            world.write(f"{name}.1")
        if fault in ("was-done", "was-doing-made", "exists"):
            world.write(f"{name}.2")


async def run_script(
    tmp_path: Path, plan_text: str, given: str, *, on_failure: OnFailure = OnFailure.ROLLBACK
) -> tuple[str, str, Journal, ToyWorld]:
    """Trace of do and undo, and the outcome with the steps' last states."""
    world, history = make_world(tmp_path, given)
    plan = toy_plan(plan_text)
    journal = Journal.create(StatePaths(tmp_path / "state"), plan, spec={})
    write_history(journal, world, history)
    executor = Executor(
        journal,
        toy_steps(plan),
        world,
        lambda: toy_verify(world, plan),
        limits=QUICK,
        on_failure=on_failure,
        sleep=no_sleep,
    )
    outcome = await executor.run()
    journal.close()
    assert outcome is journal.now.outcome
    states = " ".join(f"{id_}={step.state}" for id_, step in journal.now.steps.items())
    return " ".join(world.trace), f"{outcome}: {states}", journal, world


@pytest.mark.parametrize(
    ("plan", "given", "trace", "end"),
    [
        ("a > b > c", "", "a:do b:do c:do", "created: a=done b=done c=done"),
        ("a > b > c", "b:exists", "a:do c:do", "created: a=done b=adopted c=done"),
        (
            "a > b > c",
            "c:do-fails",
            "a:do b:do c:do c:undo b:undo a:undo",
            "rolled_back: a=undone b=undone c=undone",
        ),
        (
            "a > b > c",
            "b:half-fails",
            "a:do b:do b:undo a:undo",
            "rolled_back: a=undone b=undone c=skipped",
        ),
        ("a > b", "b:bug", "a:do b:do b:undo a:undo", "rolled_back: a=undone b=undone"),
        ("a > b", "b:verify-no", "a:do b:do b:undo a:undo", "rolled_back: a=undone b=undone"),
        (
            "a > b > c",
            "a:exists c:do-fails",
            "b:do c:do c:undo b:undo",
            "rolled_back: a=adopted b=undone c=undone",
        ),
        ("a > b", "b:foreign", "a:do a:undo", "rolled_back: a=undone b=failed"),
        ("a > b", "b:unreadable", "a:do a:undo", "rolled_back: a=undone b=failed"),
        ("a > b", "a:reply-lost", "a:do b:do", "created: a=done b=done"),
        # residue
        (
            "a > b > c",
            "b:undo-fails c:do-fails",
            "a:do b:do c:do c:undo b:undo b:undo",
            "needs_human: a=undo_failed b=undo_failed c=undone",
        ),
        (
            "a > b | z > c",
            "b:undo-uncertain c:do-fails",
            "a:do b:do z:do c:do c:undo z:undo b:undo b:undo",
            "needs_human: a=undo_failed b=undo_failed z=undone c=undone",
        ),
        (
            "a > b > c",
            "b:undo-leaves c:do-fails",
            "a:do b:do c:do c:undo b:undo a:undo",
            "needs_human: a=undone b=undone c=undone",
        ),
        # verification
        ("a > b", "pool:broken", "a:do b:do b:undo a:undo", "rolled_back: a=undone b=undone"),
        ("a > b", "pool:odd", "a:do b:do", "created: a=done b=done"),
        ("a > b", "pool:unreadable", "a:do b:do", "created_unverified: a=done b=done"),
        ("a > b", "pool:bug", "a:do b:do", "created_unverified: a=done b=done"),
        ("a > b", "pool:nothing", "a:do b:do", "created_unverified: a=done b=done"),
        ("a > b", "pool:blind", "a:do b:do", "created_unverified: a=done b=done"),
        ("a > b", "pool:hidden", "a:do b:do", "created_unverified: a=done b=done"),
        # resume asks the world first
        ("a > b > c", "a:was-done b:was-doing", "b:do c:do", "created: a=done b=done c=done"),
        ("a > b > c", "a:was-done b:was-doing-half", "b:do c:do", "created: a=done b=done c=done"),
        ("a > b > c", "a:was-done b:was-doing-made", "c:do", "created: a=done b=done c=done"),
        # what the dead process had sent is still at work when we look
        ("a > b", "a:was-doing a:arrives-while-settling", "b:do", "created: a=done b=done"),
        ("a > b", "a:was-doing a:arrives-first", "a:do b:do", "created: a=done b=done"),
        ("a > b", "b:arrives-first", "a:do b:do b:undo a:undo", "rolled_back: a=undone b=undone"),
        (
            "a > b",
            "a:was-doing-made b:do-fails",
            "b:do b:undo a:undo",
            "rolled_back: a=undone b=undone",
        ),
        ("a > b", "a:was-done b:was-undoing", "b:undo a:undo", "rolled_back: a=undone b=undone"),
        (
            "a > b",
            "a:was-doing-half a:turns-foreign",
            "",
            "needs_human: a=undo_failed b=skipped",
        ),
    ],
)
@pytest.mark.asyncio
async def test_sequences(tmp_path: Path, plan: str, given: str, trace: str, end: str) -> None:
    seen_trace, seen_end, journal, world = await run_script(tmp_path, plan, given)
    assert (seen_trace, seen_end) == (trace, end)
    assert (journal.now.outcome is Outcome.NEEDS_HUMAN) == bool(journal.now.residue)
    assert all(content == "us;" for content in world.effects().values()), "an effect was doubled"
    if journal.now.outcome is Outcome.ROLLED_BACK:
        adopted = [id_ for id_, step in journal.now.steps.items() if step.state is StepState.ADOPTED]
        assert sorted(world.effects()) == sorted(f"{id_}.{part}" for id_ in adopted for part in (1, 2))


@pytest.mark.asyncio
async def test_a_failed_lane_stops_only_what_depends_on_it_when_asked_to_keep_going(tmp_path: Path) -> None:
    trace, end, journal, world = await run_script(
        tmp_path, "a > b > c | x > y", "b:half-fails", on_failure=OnFailure.KEEP_GOING
    )
    assert trace == "a:do b:do x:do y:do b:undo"
    assert end == "needs_human: a=done b=undone c=skipped x=done y=done"
    assert [left.why for _, left in journal.now.residue.values()] == ["cannot run `make` on b (toy): no"]
    assert sorted(world.effects()) == ["a.1", "a.2", "x.1", "x.2", "y.1", "y.2"]


@pytest.mark.asyncio
async def test_residue_carries_the_commands_that_end_it(tmp_path: Path) -> None:
    *_, journal, _world = await run_script(tmp_path, "a > b", "a:undo-fails b:do-fails")
    ((step, left),) = journal.now.residue.values()
    assert (step, left.commands, left.where) == ("a", ("rm a",), "a")
    assert "busy" in left.why


@pytest.mark.asyncio
async def test_steps_of_one_lane_never_overlap_and_lanes_do(tmp_path: Path) -> None:
    running: list[str] = []
    most: list[int] = []
    world, _ = make_world(tmp_path, "")
    plan = toy_plan("a@s1 > b@s1 | c@s2 > d@s2").model_copy(update={"at_once": 4})
    steps = toy_steps(plan)
    for id_, step in steps.items():
        inner = step.do

        async def slow(world: ToyWorld, id_: str = id_, inner: object = inner) -> dict[str, object]:
            running.append(id_)
            most.append(len(running))
            assert not {"a", "b"} <= set(running)
            assert not {"c", "d"} <= set(running)
            await asyncio.sleep(0)
            running.remove(id_)
            return await inner(world)  # type: ignore[no-any-return, operator]

        step.do = slow  # type: ignore[method-assign]
    journal = Journal.create(StatePaths(tmp_path / "state"), plan, spec={})
    executor = Executor(journal, steps, world, lambda: toy_verify(world, plan), limits=QUICK, sleep=no_sleep)
    assert await executor.run() is Outcome.CREATED
    assert max(most) == 2
    journal.close()


class Operator:
    """Asks for something as soon as a step reaches a state."""

    def __init__(self, control: Control, step: str, state: StepState, wish: Wish) -> None:
        self.control, self.step, self.state, self.wish = control, step, state, wish

    def __call__(self, event: object) -> None:
        if (getattr(event, "step", ""), getattr(event, "state", "")) == (self.step, self.state):
            self.control.ask(self.wish)


@pytest.mark.parametrize(
    ("given", "when", "wish", "trace", "end"),
    [
        ("", ("b", StepState.DOING), Wish.ABORT, "a:do b:do b:undo a:undo", "rolled_back"),
        ("", ("b", StepState.DOING), Wish.LEAVE, "a:do b:do", "needs_human"),
        ("a:exists", ("a", StepState.ADOPTED), Wish.LEAVE, "", "rolled_back"),
        ("c:do-fails", ("c", StepState.UNDONE), Wish.LEAVE, "a:do b:do c:do c:undo", "needs_human"),
    ],
)
@pytest.mark.asyncio
async def test_wishes_take_effect_between_steps(
    tmp_path: Path, given: str, when: tuple[str, StepState], wish: Wish, trace: str, end: str
) -> None:
    world, history = make_world(tmp_path, given)
    plan = toy_plan("a > b > c")
    journal = Journal.create(StatePaths(tmp_path / "state"), plan, spec={})
    write_history(journal, world, history)
    executor = Executor(
        journal, toy_steps(plan), world, lambda: toy_verify(world, plan), limits=QUICK, sleep=no_sleep
    )
    journal.subscribe(Operator(executor.control, *when, wish))
    assert (await executor.run(), " ".join(world.trace)) == (end, trace)
    journal.close()


@pytest.mark.asyncio
async def test_pause_holds_between_steps_and_continue_goes_on(tmp_path: Path) -> None:
    world, _ = make_world(tmp_path, "")
    plan = toy_plan("a > b")
    journal = Journal.create(StatePaths(tmp_path / "state"), plan, spec={})
    executor = Executor(journal, toy_steps(plan), world, lambda: toy_verify(world, plan), limits=QUICK)
    journal.subscribe(Operator(executor.control, "a", StepState.DOING, Wish.PAUSE))
    paused = asyncio.Event()
    journal.subscribe(lambda event: paused.set() if event.state == RunState.PAUSED else None)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(executor.run())
        await paused.wait()
        assert " ".join(world.trace) == "a:do"
        executor.control.ask(Wish.GO_ON)
    assert running.result() is Outcome.CREATED
    assert " ".join(world.trace) == "a:do b:do"
    journal.close()


@pytest.mark.asyncio
async def test_a_stopped_run_goes_on_in_another_process_where_it_was(tmp_path: Path) -> None:
    world, _ = make_world(tmp_path, "")
    plan, paths = toy_plan("a > b > c"), StatePaths(tmp_path / "state")
    journal = Journal.create(paths, plan, spec={})
    executor = Executor(journal, toy_steps(plan), world, lambda: toy_verify(world, plan), limits=QUICK)
    journal.subscribe(Operator(executor.control, "b", StepState.DOING, Wish.STOP))
    with pytest.raises(Stopped):
        await executor.run()
    run = journal.head.run
    journal.close()
    journal = Journal.open(paths, run)
    world.remembered.clear()
    executor = Executor(journal, toy_steps(plan), world, lambda: toy_verify(world, plan), limits=QUICK)
    assert await executor.run() is Outcome.CREATED
    assert " ".join(world.trace) == "a:do b:do c:do"
    assert sorted(world.remembered) == ["a", "b", "c"]
    journal.close()


@pytest.mark.asyncio
async def test_a_cancelled_step_stays_in_doubt(tmp_path: Path) -> None:
    world, _ = make_world(tmp_path, "")
    plan, paths = toy_plan("a > b"), StatePaths(tmp_path / "state")
    journal = Journal.create(paths, plan, spec={})
    steps = toy_steps(plan)
    begun = asyncio.Event()

    async def hang(world: ToyWorld) -> JsonDict:
        begun.set()
        await asyncio.Event().wait()
        return {}

    steps["b"].do = hang  # type: ignore[method-assign]
    executor = Executor(journal, steps, world, lambda: toy_verify(world, plan), limits=QUICK)
    task = asyncio.ensure_future(executor.run())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [step.state for step in journal.now.steps.values()] == [StepState.DONE, StepState.DOING]
    assert journal.now.outcome is None
    journal.close()


@pytest.mark.asyncio
async def test_a_later_rollback_retries_what_was_left_and_forgets_what_a_person_cleaned(
    tmp_path: Path,
) -> None:
    *_, journal, world = await run_script(tmp_path, "a > b > c", "a:undo-fails b:undo-leaves c:do-fails")
    assert journal.now.outcome is Outcome.NEEDS_HUMAN
    world.faults.clear()
    world.trace.clear()
    again = Journal.open(StatePaths(tmp_path / "state"), journal.head.run)
    plan = again.head.plan
    executor = Executor(again, toy_steps(plan), world, lambda: toy_verify(world, plan), limits=QUICK)
    assert await executor.roll_back("asked by the operator") is Outcome.ROLLED_BACK
    assert " ".join(world.trace) == "b:undo a:undo"
    assert world.effects() == {}
    again.close()


@pytest.mark.asyncio
async def test_rollback_of_a_created_run_takes_all_of_it_down_but_nothing_foreign(tmp_path: Path) -> None:
    *_, journal, world = await run_script(tmp_path, "a > b | c", "")
    world.faults["c"] = "turns-foreign"
    world.trace.clear()
    again = Journal.open(StatePaths(tmp_path / "state"), journal.head.run)
    plan = again.head.plan
    executor = Executor(again, toy_steps(plan), world, lambda: toy_verify(world, plan), limits=QUICK)
    assert await executor.roll_back("asked by the operator") is Outcome.NEEDS_HUMAN
    assert " ".join(world.trace) == "b:undo a:undo"
    assert sorted(world.effects()) == ["c.1", "c.2"]
    (left,) = (left for _, left in again.now.residue.values())
    assert "not ours" in left.why
    assert left.commands == ()  # nobody is told to take away what belongs to another
    again.close()


def test_a_plan_whose_needs_cannot_be_met_is_refused() -> None:
    plan = toy_plan("a > b")
    with pytest.raises(StepError, match="needs a"):
        check_plan(plan.model_copy(update={"steps": plan.steps[1:]}))
    with pytest.raises(StepError, match="two steps"):
        check_plan(plan.model_copy(update={"steps": plan.steps[:1] * 2}))


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("fault", "why"),
    [("nothing", "no verification was made"), ("unreadable", "no route"), ("bug", "ZeroDivisionError")],
)
async def test_a_sweep_that_nobody_looked_at_is_not_clean(tmp_path: Path, fault: str, why: str) -> None:
    world, _ = make_world(tmp_path, f"pool:{fault}")
    plan = toy_plan("a").model_copy(update={"aim": PlanAim.SWEEP})
    journal = Journal.create(StatePaths(tmp_path / "state"), plan, spec={})
    executor = Executor(
        journal,
        toy_steps(plan),
        world,
        lambda: toy_verify(world, plan),
        limits=QUICK,
        on_failure=OnFailure.KEEP_GOING,
        sleep=no_sleep,
    )
    assert await executor.run() is Outcome.NEEDS_HUMAN
    ((_, left),) = journal.now.residue.values()
    assert why in left.why
    journal.close()


@pytest.mark.asyncio
async def test_only_an_unverified_run_is_verified_again(tmp_path: Path) -> None:
    *_, journal, world = await run_script(tmp_path, "a > b", "")
    again = Journal.open(StatePaths(tmp_path / "state"), journal.head.run)
    plan = again.head.plan
    executor = Executor(again, toy_steps(plan), world, lambda: toy_verify(world, plan), limits=QUICK)
    with pytest.raises(StepError, match="it is created"):
        await executor.verify_again()
    again.close()


@pytest.mark.asyncio
async def test_a_later_look_that_sees_it_broken_takes_nothing_down(tmp_path: Path) -> None:
    *_, journal, world = await run_script(tmp_path, "a > b", "pool:hidden")
    world.faults["pool"] = "broken"
    before = world.effects()
    again = Journal.open(StatePaths(tmp_path / "state"), journal.head.run)
    plan = again.head.plan
    executor = Executor(again, toy_steps(plan), world, lambda: toy_verify(world, plan), limits=QUICK)
    assert await executor.verify_again() is Outcome.CREATED_UNVERIFIED
    assert again.now.message == "Created, not verified: verification: the pool works: it does not"
    assert world.effects() == before
    again.close()
