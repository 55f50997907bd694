"""Two-person mode: a second user approves a plan by its hash, through a file in a folder that both can reach.

Who approved is read from the file itself (the owner that the kernel tells), never from its text.
"""

from __future__ import annotations

import json
import os
import pwd
import stat
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from pydantic import AwareDatetime, ValidationError

from core.errors import ApprovalError
from core.models.base import Frozen
from core.models.plan import Plan, PlanAim
from core.text import inert, listed

SCHEMA = "poolwright.approval/1"
MAX_FILES, MAX_BYTES = 1000, 64 * 1024
SUFFIX = ".approval"


class Approved(Frozen):
    """Who approved a plan, as its file's owner tells, and where."""

    uid: int
    user: str
    file: str
    digest: str
    at: AwareDatetime | None = None


def user_of(uid: int) -> str:
    """Name of a user, its number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def approve(plan: Plan, folder: Path) -> Path:
    """Write this user's approval of a plan and return its file; ApprovalError when the folder takes none."""
    path = folder / f"{plan.digest[:16]}-{os.geteuid()}{SUFFIX}"
    text = json.dumps(
        {"schema": SCHEMA, "digest": plan.digest, "pool": plan.pool, "at": datetime.now(UTC).isoformat()}
    )
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, flags, 0o644), "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o644)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise ApprovalError(f"cannot write {path}: {error.strerror}") from error
    return path


def require_for(
    plan: Plan, demanded: Path | None, asked: Path | None, accepted: Sequence[str]
) -> Approved | None:
    """The approval that a run of this plan needs; None where nobody demands one (the administrator's `demanded`
    folder goes before the one that the operator `asked` for). ApprovalError when it is not there.

    `accepted`: ids that the run would go on with; those that the approver did not see count as unapproved.
    """
    folder = demanded or asked
    if folder is None:
        return None
    unseen = sorted({*accepted} - {*plan.accepted})
    if unseen:
        raise ApprovalError(f"cannot run plan {plan.digest[:16]}: {listed(unseen, 5)} was accepted beside it")
    return require(folder, plan.digest, _written_by(plan))


def _written_by(plan: Plan) -> str:
    """The command that writes this plan for its approver."""
    match plan.aim:
        case PlanAim.ROLLBACK:
            return f"poolwright rollback {plan.run} --output PLAN"
        case PlanAim.SWEEP:
            return "poolwright sweep SPEC --output PLAN"
        case _:
            return "poolwright plan SPEC --output PLAN"


def require(folder: Path, digest: str, written_by: str = "poolwright plan SPEC --output PLAN") -> Approved:
    """The approval of this plan by somebody who is not us; ApprovalError says what was found instead."""
    try:
        files = sorted(path for path in folder.iterdir() if path.name.endswith(SUFFIX))
    except OSError as error:
        raise ApprovalError(f"cannot read the approvals in {folder}: {error.strerror}") from error
    reasons: list[str] = []
    for path in files[:MAX_FILES]:
        found, why = _read(path, digest)
        if found is not None:
            return found
        if why:
            reasons.append(f"{path.name}: {why}")
    told = f" ({listed(reasons, 5)})" if reasons else ""
    raise ApprovalError(
        f"cannot run plan {digest[:16]}: nobody else approved it in {folder}{told}",
        fix=f"write it with `{written_by}`; a second user runs `poolwright approve PLAN --approvals {folder}`",
    )


def _read(path: Path, digest: str) -> tuple[Approved | None, str]:
    """An approval, or why this file is none; an empty reason for one of another plan."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                return None, "no plain file"
            if status.st_mode & 0o022:
                return None, "others can write it"
            data = json.loads(file.read(MAX_BYTES))
    except (OSError, ValueError, RecursionError) as error:
        return None, inert(getattr(error, "strerror", None) or "no JSON", 100)
    if not isinstance(data, dict) or data.get("schema") != SCHEMA or data.get("digest") != digest:
        return None, ""
    if status.st_uid == os.geteuid():
        return None, f"it is {user_of(status.st_uid)}'s own, a second user is needed"
    if user_of(status.st_uid) == str(status.st_uid):  # a container of anybody's makes files of such uids
        return None, f"its owner, uid {status.st_uid}, is no user of this machine"
    try:
        at = data.get("at")
        return Approved(
            uid=status.st_uid, user=user_of(status.st_uid), file=str(path), digest=digest, at=at
        ), ""
    except ValidationError:
        return None, "its time cannot be read"
