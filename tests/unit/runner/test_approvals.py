"""Two-person mode and plan files, without any server."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from core.errors import ApprovalError, PlanFileError
from core.models.plan import Plan, PlannedStep
from core.runner import approvals
from core.runner.plan_file import plan_document, read_plan

PLAN = Plan(
    platform="oracle_vm", pool="pool1", steps=(PlannedStep(id="a", kind="k", title="t", lane="pool"),)
)


def as_user(monkeypatch: pytest.MonkeyPatch, uid: int) -> None:
    monkeypatch.setattr("core.runner.approvals.os.geteuid", lambda: uid)


def test_a_second_users_file_approves_exactly_one_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = approvals.approve(PLAN, tmp_path)
    as_user(monkeypatch, os.getuid() + 1)
    found = approvals.require(tmp_path, PLAN.digest)
    assert (found.uid, found.file, found.digest) == (os.getuid(), str(path), PLAN.digest)
    other = PLAN.model_copy(update={"pool": "pool2"})
    with pytest.raises(ApprovalError, match="nobody else approved"):
        approvals.require(tmp_path, other.digest)


def test_nobody_approves_his_own_plan(tmp_path: Path) -> None:
    approvals.approve(PLAN, tmp_path)
    with pytest.raises(ApprovalError, match="a second user is needed"):
        approvals.require(tmp_path, PLAN.digest)


@pytest.mark.parametrize("kind", ["writable", "link", "garbage", "folder", "other words"])
def test_what_somebody_else_could_have_made_is_no_approval(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = approvals.approve(PLAN, tmp_path)
    if kind == "writable":
        path.chmod(0o666)
    elif kind == "link":
        target = path.rename(tmp_path / "elsewhere")
        path.symlink_to(target)
    elif kind == "garbage":
        path.write_bytes(b"\xff\x00{")
    elif kind == "folder":
        path.unlink()
        path.mkdir()
    else:
        path.write_text(json.dumps([PLAN.digest]))
    as_user(monkeypatch, os.getuid() + 1)
    with pytest.raises(ApprovalError):
        approvals.require(tmp_path, PLAN.digest)


def test_a_missing_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(ApprovalError, match="cannot read the approvals"):
        approvals.require(tmp_path / "none", PLAN.digest)
    with pytest.raises(ApprovalError, match="cannot write"):
        approvals.approve(PLAN, tmp_path / "none")


def test_an_approval_can_be_given_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert approvals.approve(PLAN, tmp_path) == approvals.approve(PLAN, tmp_path)
    as_user(monkeypatch, os.getuid() + 1)
    assert approvals.require(tmp_path, PLAN.digest).at is not None


def test_a_plan_file_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(plan_document(PLAN, {"pool": 1}, [])))
    assert read_plan(path) == (PLAN, {"pool": 1})


@pytest.mark.parametrize("change", ["pool", "hash", "schema", "cut", "spec", "gone"])
def test_a_plan_file_that_was_changed_is_refused(change: str, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    document = plan_document(PLAN, {}, [])
    if change == "pool":
        document["plan"]["pool"] = "pool2"
    elif change == "spec":
        document["spec"] = None
    elif change in ("hash", "schema"):
        document[change] = "x"
    text = json.dumps(document)
    if change != "gone":
        path.write_text(text[:-9] if change == "cut" else text)
    with pytest.raises(PlanFileError, match=r"plan\.json"):
        read_plan(path)


def test_a_uid_that_is_no_user_here_approves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    approvals.approve(PLAN, tmp_path)
    as_user(monkeypatch, os.getuid() + 1)

    def nobody(_uid: int) -> None:
        raise KeyError

    monkeypatch.setattr("core.runner.approvals.pwd.getpwuid", nobody)
    with pytest.raises(ApprovalError, match="is no user of this machine"):
        approvals.require(tmp_path, PLAN.digest)
