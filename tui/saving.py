"""What the wizard made, as files: the spec, the plan for review, the runbook. None holds a secret."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import PoolwrightError
from tui.borrow import expanded, write_file

if TYPE_CHECKING:
    from tui.session import Session


class Kind(StrEnum):
    """What can be saved."""

    SPEC = "spec"
    PLAN = "plan"
    RUNBOOK = "runbook"


ENDINGS = {Kind.SPEC: ".yaml", Kind.PLAN: ".plan.json", Kind.RUNBOOK: ".runbook.txt"}
ABOUT = {
    Kind.SPEC: "the pool description: poolwright check, plan and apply read it",
    Kind.PLAN: "the plan for review: poolwright apply --plan runs exactly it",
    Kind.RUNBOOK: "text for people: findings, every command, the way back",
}


def default_name(session: Session, kind: Kind) -> str:
    """`pool1.yaml` and the like, in the folder the wizard was started in."""
    spec = session.draft()
    name = spec.pool_name if spec is not None else ""
    return f"{name if name and '/' not in name else 'pool'}{ENDINGS[kind]}"


def text_of(session: Session, kind: Kind) -> str:
    """The file's text; PoolwrightError with the reason when it cannot be made yet."""
    spec = session.spec()
    if kind is Kind.SPEC:
        return session.service.dump(spec)
    plan = session.plan()
    if plan is None or session.checked is None:
        why = session.plan_error or session.why_no_check() or "the checks have not finished for these answers"
        raise PoolwrightError(f"cannot save a {kind}: there is no plan yet: {why}")
    if kind is Kind.PLAN:
        verdicts = session.verdicts()
        if verdicts is None or not verdicts.may_apply:
            raise PoolwrightError(
                "cannot save a plan: findings still stop it", fix="save a runbook, or mend them"
            )
        plan = plan.model_copy(update={"accepted": tuple(session.answers.accepted)})
        return session.service.plan_json(spec, plan)
    return session.service.runbook(spec, session.checked, plan)


def save(session: Session, kind: Kind, path: Path) -> None:
    """Write it, atomically; PoolwrightError when it cannot be made or written."""
    write_file(expanded(str(path)), text_of(session, kind))
