"""The order of the wizard, and when each part may be left. The only place that knows either."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import SpecProblem

if TYPE_CHECKING:
    from tui.session import Session


@dataclass(frozen=True, slots=True)
class WizardStep:
    """One part of the wizard: its screen's id, its word in the stepper, its forms."""

    id: str
    title: str
    heading: str
    sections: tuple[str, ...] = ()


STEPS: tuple[WizardStep, ...] = (
    WizardStep("connect", "Connect", "How to reach Manager and the servers", ("connect",)),
    WizardStep("pool", "Pool", "The pool as it shall be", ("pool",)),
    WizardStep("servers", "Servers", "Which servers, and what is known of them", ("servers",)),
    WizardStep("storage", "Storage", "Where the pool file system goes", ("storage",)),
    WizardStep("compatibility", "CPUs", "Can guests migrate between the servers?"),
    WizardStep("review", "Review", "Findings, plan, and the last question"),
    WizardStep("run", "Run", "What is being done"),
    WizardStep("done", "Done", "What was done"),
)
IDS = tuple(step.id for step in STEPS)


def step(step_id: str) -> WizardStep:
    """The step of that id."""
    return STEPS[IDS.index(step_id)]


def after(step_id: str) -> str | None:
    """The next step, None after the last."""
    index = IDS.index(step_id) + 1
    return IDS[index] if index < len(IDS) else None


def before(step_id: str) -> str | None:
    """The step before; None where going back is impossible: at the start, and once a run was started."""
    index = IDS.index(step_id) - 1
    return IDS[index] if index >= 0 and step_id not in ("run", "done") else None


def missing(step_id: str, session: Session) -> tuple[str, ...]:
    """Why this step may not be left forwards, in words; empty when it may."""
    gate = {
        "connect": _connect,
        "servers": _servers,
        "review": _review,
        "run": _run,
    }.get(step_id, _form)
    return tuple(gate(step_id, session))


def is_open(step_id: str, session: Session) -> bool:
    """May the operator go there now? Everywhere before the run; to the run only once it was started."""
    if step_id in ("run", "done"):
        return bool(session.run) and (step_id == "run" or session.run_has_ended)
    return not session.run


def problems_of(step_id: str, session: Session) -> list[SpecProblem]:
    """Problems of the answers that this step's inputs can mend."""
    fields = session.fields(*step(step_id).sections)
    paths = {field.path for field in fields}
    found: list[SpecProblem] = []
    for problem in session.problems():
        if owner(problem.field, paths) or (step_id == "servers" and problem.field.startswith("servers")):
            found.append(problem)
        else:  # a whole part is missing (`manager: is required`): its inputs say so one by one
            found += [
                SpecProblem(field.path, "is required", rule=problem.rule)
                for field in fields
                if field.path.startswith(f"{problem.field}.")
                and field.is_required
                and not session.answers.flat.get(field.path, "").strip()
            ]
    return found


def owner(field: str, paths: set[str]) -> str:
    """The input a problem belongs to: itself, else the nearest part above it; empty when none."""
    parts = field.split(".")
    for length in range(len(parts), 0, -1):
        path = ".".join(parts[:length])
        if path in paths:
            return path
    return ""


def _form(step_id: str, session: Session) -> list[str]:
    return [say(each) for each in problems_of(step_id, session)]


def _connect(step_id: str, session: Session) -> list[str]:
    return _form(step_id, session) + session.missing_secrets()


def _servers(step_id: str, session: Session) -> list[str]:
    if not session.answers.servers:
        return ["name at least one server"]
    said = _form(step_id, session)
    if session.trust.of("changed"):
        said.append("an identity has changed: everything stops until you know why")
    elif session.draft() is not None and not session.is_trusted():
        said.append("host keys and certificates are not confirmed yet")
    return said


def _review(_step_id: str, session: Session) -> list[str]:
    problems = session.problems()
    if problems:
        return [say(each) for each in problems]
    if session.missing_secrets():
        return session.missing_secrets()
    verdicts = session.verdicts()
    if verdicts is None:
        return [session.error or session.why_no_check() or "the checks have not finished for these answers"]
    if not verdicts.judged:
        return ["no check applies to these answers, so nothing was judged"]
    return [f"{each.id}: {each.title} ({each.target})" for each in verdicts.refusals] + [
        f"{each.id}: accept it by typing its id, or mend it ({each.target})" for each in verdicts.unaccepted
    ]


def _run(_step_id: str, session: Session) -> list[str]:
    return [] if session.run_has_ended else ["the run has not ended"]


def say(problem: SpecProblem) -> str:
    """A problem as one line."""
    rule = f" [{problem.rule}]" if problem.rule else ""
    fix = f"; {problem.fix}" if problem.fix else ""
    return f"{problem.field}: {problem.message}{fix}{rule}"
