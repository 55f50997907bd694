"""One run from order to outcome, inside the detached process. Owns journal, locks, socket and the platform's world."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from core import masking
from core.engine.control import Control, Wish
from core.engine.executor import Executor, OnFailure
from core.engine.history import Head, intact, read_run
from core.engine.journal import Entry, Journal
from core.engine.planner import check_plan
from core.engine.reading import EngineLimits
from core.engine.step import Step
from core.engine.undoing import Stopped
from core.errors import JournalError, PoolwrightError, RunnerError
from core.masking import Masker, own_words, words_of
from core.models.events import EventKind, Outcome, RunState
from core.models.plan import Plan, PlanAim
from core.models.spec import BaseSpec
from core.paths import StatePaths, expanded
from core.platforms.base import Platform
from core.platforms.guards import NoGuards
from core.runner import approvals
from core.runner.approvals import Approved
from core.runner.claims import Claims, claims_of
from core.runner.guard import RunGuard
from core.runner.locks import Peer, RunLock, is_held
from core.runner.marks import is_same, marks_of
from core.runner.protocol import Order, RunDocument, Task
from core.runner.review import require_whole
from core.runner.server import Server
from core.runner.taking_back import is_whole, require_something_to_undo, rollback_plan
from core.secrets import Secrets
from core.system_settings import SystemSettings, load_system_settings
from core.transports.base import Access
from core.transports.limits import Limits
from core.transports.trust import TrustStore

STOP_GRACE_S = 20.0  # below the 90 s that systemd gives before it kills
CLOSING_S = 10.0  # how long an ended run's last sessions may take to close before a new runner is refused
ENGINE = EngineLimits(question_s=600.0)
System = Callable[[], SystemSettings]
Ready = Callable[[str, Path], None]  # run id, file for the last words of a runner that dies


@dataclass(frozen=True, slots=True)
class Job:
    """Everything a run needs, judged before anything is written or touched."""

    platform: Platform
    spec: BaseSpec
    plan: Plan
    document: RunDocument
    steps: dict[str, Step[Any]]
    access: Access
    paths: StatePaths


async def run(
    order: Order,
    secrets: Secrets,
    resolve: Callable[[str], Platform],
    ready: Ready,
    *,
    engine: EngineLimits = ENGINE,
    system: System = load_system_settings,
) -> Outcome | None:
    """Carry out an order; `ready` is called when all is set and nothing is touched yet.

    Returns the outcome, or None when the run stays open (stopped, or its servers cannot be reached on a resume).
    Before `ready` every PoolwrightError means that nothing was touched.
    """
    paths = StatePaths.of(Path(order.state_dir))
    async with AsyncExitStack() as stack:
        job, journal = await _prepare(order, secrets, resolve, paths, stack, system)
        control = Control()
        starter = Peer(order.starter_pid, os.geteuid()) if order.starter_pid else None
        await stack.enter_async_context(Server(paths, journal, control, starter=starter).open())
        _note(journal, order.notes)
        ready(journal.head.run, paths.errors(journal.head.run))
        async with _signals(journal, control):
            return await _work(order.task, job, journal, control, engine)


async def _prepare(
    order: Order,
    secrets: Secrets,
    resolve: Callable[[str], Platform],
    paths: StatePaths,
    stack: AsyncExitStack,
    system: System,
) -> tuple[Job, Journal]:
    """Journal and locks of the run, in the order that leaves nothing behind when one is refused."""
    last = stack.enter_context(
        ExitStack()
    )  # the run's lock goes last: who finds it free finds the others free
    if order.task is Task.START:
        if order.document is None:
            raise RunnerError("cannot start a run: the order has no document")
        job = _job(order.document, secrets, resolve, paths)
        require_whole(job.plan, job.spec, job.platform)
        approved = _approved(order, job, system())
        notes = await _claim(job, paths.root.name, stack)
        marked = order.document.model_copy(update={"marks": marks_of(paths, secrets)})
        extra = marked.model_dump(mode="json", exclude={"spec", "plan", "platform"})
        journal = Journal.create(
            paths,
            job.plan,
            spec=job.document.spec,
            extra=extra,
            secrets=secrets.values(),
            public=_everybodys(job.platform, secrets),
        )
        stack.callback(journal.close)
        if approved is not None:
            journal.write(_approval_entry(approved))
        _note(journal, notes)
        last.callback(RunLock(paths.lock(journal.head.run)).close)
        return job, journal
    last.callback((await _run_lock(paths, order.run)).close)
    head, _ = read_run(paths, order.run)
    journal = Journal.open(paths, order.run, secrets.values(), _everybodys(resolve(head.platform), secrets))
    stack.callback(journal.close)
    job = _job(_document(journal.head, journal.path), secrets, resolve, paths)
    if order.task is Task.RESUME and journal.now.state is RunState.DONE:
        raise RunnerError(f"cannot resume run {order.run}: it has ended ({journal.now.outcome})")
    if order.task is Task.ROLLBACK:
        require_something_to_undo(order.run, journal.now.outcome, job.plan)
    if order.task is Task.VERIFY and journal.now.outcome is not Outcome.CREATED_UNVERIFIED:
        raise RunnerError(f"cannot verify run {order.run}: it is {journal.now.outcome or journal.now.state}")
    approved = _approved(order, job, system())
    notes = await _claim(job, order.run, stack)
    if approved is not None:
        journal.write(_approval_entry(approved))
    _note(journal, notes)
    return job, journal


def _approved(order: Order, job: Job, demands: SystemSettings) -> Approved | None:
    """In two-person mode the runner itself looks for the second user; ApprovalError when there is none.

    What the administrator demands binds every order that changes something; what an operator asked for binds the start.
    """
    if order.task is Task.VERIFY:  # a look
        return None
    is_start, document = order.task is Task.START, job.document
    plan = job.plan
    if demands.approvals is not None and order.task is Task.ROLLBACK:
        plan = rollback_plan(order.run, job.plan, job.platform)
    asked = Path(document.approvals) if document.approvals is not None and is_start else None
    beside = [id_ for id_ in document.accepted if id_ not in job.spec.accept]
    return approvals.require_for(plan, demands.approvals, asked, beside)


def _approval_entry(approved: Approved) -> Entry:
    starter = os.geteuid()
    text = (
        f"plan {approved.digest[:16]} approved by {approved.user} (uid {approved.uid}, {approved.file}),"
        f" started by {approvals.user_of(starter)} (uid {starter})"
    )
    data = {"approved": approved.model_dump(mode="json"), "started_by_uid": starter}
    return Entry(EventKind.NOTE, text, data=data)


async def _run_lock(paths: StatePaths, run: str) -> RunLock:
    """The lock of a run; waits a little for a runner that has ended the run and still closes its sessions."""
    if not paths.journal(run).exists():
        raise RunnerError(f"cannot find run {run} below {paths.root}", fix="`poolwright runs` lists them")
    for _ in range(int(CLOSING_S / 0.1)):
        if not is_held(paths.lock(run)) or read_run(paths, run)[1].outcome is None:
            break
        await asyncio.sleep(0.1)
    return RunLock(paths.lock(run))


async def _claim(job: Job, told: str, stack: AsyncExitStack) -> tuple[str, ...]:
    """Claim all that the run works on until it ends; returns what the operator should know of others' claims."""
    claims = claims_of(job.spec, job.plan.pool, job.platform.endpoints(job.spec), job.access.trust)
    held = await stack.enter_async_context(Claims(claims, f"pool {job.plan.pool}, {told}"))
    return held.notes


def _note(journal: Journal, notes: Sequence[str]) -> None:
    for note in notes:
        journal.write(Entry(EventKind.NOTE, note))


def _document(head: Head, journal: Path) -> RunDocument:
    with intact(journal, "its first page"):
        return RunDocument.model_validate(
            {**head.extra, "platform": head.platform, "spec": head.spec, "plan": head.plan}
        )


def _job(
    document: RunDocument, secrets: Secrets, resolve: Callable[[str], Platform], paths: StatePaths
) -> Job:
    platform = resolve(document.platform)
    try:
        spec = platform.spec_model.model_validate(document.spec)
        limits = dataclasses.replace(Limits(), **cast(dict[str, Any], document.limits))
    except (ValidationError, TypeError) as error:
        raise RunnerError(f"cannot read what this run shall do: {error}") from error
    check_plan(document.plan)
    unknown = sorted({step.kind for step in document.plan.steps} - set(platform.step_kinds))
    if unknown:
        raise RunnerError(f"cannot do steps of kind {', '.join(unknown)}: {platform.title} has none such")
    steps = {planned.id: platform.step_kinds[planned.kind](planned) for planned in document.plan.steps}
    known_hosts = document.known_hosts or spec.trust.known_hosts
    trust = TrustStore(paths.pins, expanded(Path(known_hosts)) if known_hosts else None)
    public = (
        words_of(document.spec),
        words_of(document.plan.model_dump(mode="json")),
        _everybodys(platform, secrets),
    )
    masking.guard(secrets.values(), *public)
    access = Access(trust, secrets, limits, masker=Masker(secrets.values(), *public))
    return Job(platform, spec, document.plan, document, steps, access, paths)


def _everybodys(platform: Platform, secrets: Secrets) -> str:
    """Words that no mask hides, see core.masking."""
    return f"{platform.vocabulary}\n{own_words(secrets.values())}"


async def _work(
    task: Task, job: Job, journal: Journal, control: Control, engine: EngineLimits
) -> Outcome | None:
    def narrate(step: str, line: str) -> None:
        journal.write(Entry(EventKind.COMMAND, line, step))

    is_open, is_sweep = False, job.plan.aim is PlanAim.SWEEP
    try:
        async with job.platform.open_world(job.plan, job.spec, job.access, narrate) as world:
            is_open = True
            guard = _guard(job, world)
            executor = Executor(
                journal,
                job.steps,
                world,
                lambda: job.platform.verify(world, job.spec, job.plan),
                control=control,
                limits=engine,
                on_failure=OnFailure.KEEP_GOING if is_sweep else OnFailure.ROLLBACK,
                guard=guard,
            )
            await _prove_logins(task, job, journal, guard)
            if task is Task.ROLLBACK:
                await _may_roll_back(journal, guard)
                return await executor.roll_back("asked for by the operator")
            if task is Task.VERIFY:
                return await executor.verify_again()
            return await executor.run()
    except Stopped:
        journal.write(
            Entry(EventKind.NOTE, f"the runner was asked to end; resume {journal.head.run} goes on here")
        )
        return None
    except JournalError:
        raise
    except PoolwrightError as error:
        if is_open and journal.now.outcome is not None and not isinstance(error, RunnerError):
            return journal.now.outcome  # only closing the sessions failed
        return _not_reached(journal, error)


def _guard(job: Job, world: Any) -> RunGuard | None:
    if isinstance(job.platform, NoGuards):  # declined by name
        return None
    return RunGuard(job.platform, world, job.spec, job.plan, job.document.accepted)


async def _prove_logins(task: Task, job: Job, journal: Journal, guard: RunGuard | None) -> None:
    """What goes on or goes back needs every login it was begun with; a run that has not begun proves them by itself."""
    if guard is None or task is Task.START or journal.now.state is RunState.CREATED:
        return
    marks, secrets = job.document.marks, job.access.secrets
    _note(journal, await guard.prove_logins(lambda name: is_same(job.paths, marks, name, secrets)))


async def _may_roll_back(journal: Journal, guard: RunGuard | None) -> None:
    """Nothing is taken down that somebody uses; raises RunnerError, the run stays as it is."""
    if guard is None:
        return
    whole = is_whole([step.state for step in journal.now.steps.values()])
    why = await guard.why_keep(is_whole=whole)
    if why:
        raise RunnerError(f"cannot roll back run {journal.head.run}: {'; '.join(why)}")


def _not_reached(journal: Journal, error: PoolwrightError) -> Outcome | None:
    """The sessions for the steps cannot be opened: nothing was touched by this process."""
    if journal.now.state is RunState.CREATED:
        journal.write(Entry(EventKind.OUTCOME, str(error), state=Outcome.REFUSED))
        return Outcome.REFUSED
    if journal.now.outcome is not None:
        journal.write(Entry(EventKind.NOTE, f"refused, and nothing was changed: {error}"))
        return journal.now.outcome
    journal.write(Entry(EventKind.NOTE, f"cannot go on: {error}; resume {journal.head.run} tries again"))
    return None


@asynccontextmanager
async def _signals(journal: Journal, control: Control) -> AsyncIterator[None]:
    """SIGTERM ends the process after the step at hand, within STOP_GRACE_S; a hang-up means nothing to us."""
    loop = asyncio.get_running_loop()
    work = asyncio.current_task()
    cuts: list[asyncio.TimerHandle] = []

    def stop() -> None:
        control.ask(Wish.STOP)
        if not cuts and work is not None:
            cuts.append(loop.call_later(STOP_GRACE_S, work.cancel))

    loop.add_signal_handler(signal.SIGTERM, stop)
    for ignored in (signal.SIGHUP, signal.SIGINT):
        signal.signal(ignored, signal.SIG_IGN)
    try:
        yield
    except asyncio.CancelledError:
        with contextlib.suppress(JournalError):
            journal.write(
                Entry(EventKind.NOTE, "the runner was ended while a step was under way; it is in doubt")
            )
        raise
    finally:
        for cut in cuts:
            cut.cancel()
        loop.remove_signal_handler(signal.SIGTERM)
