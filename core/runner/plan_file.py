"""A plan as a file that is reviewed and then run as it is: the spec it was made from, and a hash over all of it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from core import files
from core.errors import PlanFileError, SpecProblem
from core.files import FileError
from core.models.plan import JsonDict, Plan

SCHEMA = "poolwright.plan/1"
MAX_BYTES = 64 * 1024 * 1024


def plan_document(plan: Plan | None, spec: JsonDict, refusals: list[Any]) -> dict[str, Any]:
    """What `plan --json` prints and `plan --output` writes; no secret is in it."""
    return {
        "schema": SCHEMA,
        "hash": plan.digest if plan is not None else None,
        "whole": _whole(plan.model_dump(mode="json"), spec) if plan is not None else None,
        "plan": plan.model_dump(mode="json") if plan is not None else None,
        "spec": spec,
        "refusals": refusals,
    }


def read_plan(path: Path) -> tuple[Plan, JsonDict]:
    """The plan and its spec as data; PlanFileError for a file that is none, or whose hash is not that of its plan."""
    try:
        data = files.read_json(path, MAX_BYTES)
        if not isinstance(data, dict) or data.get("schema") != SCHEMA:
            raise _unusable(path, f"it is no {SCHEMA} document")
        plan = Plan.model_validate(data["plan"])
        spec = data["spec"]
    except FileError as error:
        raise _unusable(path, error.why) from error
    except ValidationError as error:
        raise _unusable(path, f"{error.error_count()} of its values cannot be used") from error
    except KeyError as error:
        raise _unusable(path, "it is no whole document") from error
    if not _is_whole(plan, data):
        raise _unusable(path, "it was changed after it was made: the hash is not that of the plan")
    if not isinstance(spec, dict):
        raise _unusable(path, "it holds no pool description")
    return plan, spec


def _is_whole(plan: Plan, data: JsonDict) -> bool:
    """Nothing in it was damaged or edited without its hashes. Who edits these too is found out by review.py."""
    if "whole" not in data:  # of a version whose hash was over the plan as it was written
        return bool(data.get("hash") == hashlib.sha256(_plain(data["plan"])).hexdigest())
    return bool(data.get("hash") == plan.digest and data["whole"] == _whole(data["plan"], data["spec"]))


def _whole(plan: Any, spec: Any) -> str:
    return hashlib.sha256(_plain({"plan": plan, "spec": spec})).hexdigest()


def _plain(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


def _unusable(path: Path, why: str) -> PlanFileError:
    fix = "make it anew with `poolwright plan SPEC --output FILE`"
    return PlanFileError([SpecProblem("plan", f"cannot use {path}: {why}", fix=fix)])
