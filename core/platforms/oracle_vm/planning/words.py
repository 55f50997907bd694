"""What a plan says beside its steps: warnings, what will be verified, and the hash of what it was made from. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from core.models.plan import PlanWarning
from core.models.results import CheckResult, Verdict
from core.platforms.oracle_vm.planning.draft import STAYS, Draft


def warnings(draft: Draft) -> list[PlanWarning]:
    """What the release cannot say, what stays, and what Manager logs."""
    told = [
        PlanWarning(id=f"release.{draft.release}", text=text)
        for text in draft.dialect.refuses(draft.spec.pool)
    ]
    adopted = [name for name in draft.spec.master_first if draft.is_ours(draft.managed(name))]
    if adopted:
        text = f"{', '.join(adopted)}: owned by this Manager already, {STAYS.split(':')[0]}"
        told.append(PlanWarning(id="plan.adopted", text=text))
    told.append(
        PlanWarning(
            id="manager.log",
            text="Manager's own command logs may hold the agent password (manager-cli 1.10)",
        )
    )
    return told


def verification(draft: Draft) -> list[str]:
    """What will be looked at once the pool stands."""
    pool = draft.spec.pool
    items = [
        "pool, name, virtual IP and clustering",
        "keymap, start policy, secure migration, description and policy, as far as they were set",
        "all members, and the master",
        "every server is Running",
    ]
    items += ["owner of every server", "agent password after ownership"]
    items += ["virtual IP on one server only"] if pool.virtual_ip else []
    if pool.clustered:
        items += [
            "cluster online everywhere",
            f"heartbeat threshold for {pool.timeout_s} s",
            "cluster.conf equal",
        ]
        items += ["pool file system mounted"]
    return [*items, "processor compatibility groups", "events"]


def found(results: Sequence[CheckResult]) -> list[PlanWarning]:
    """Warnings, waived and unknown findings of the checks that the operator goes on with."""
    shown = (Verdict.WARN, Verdict.WAIVED, Verdict.UNKNOWN)
    return [
        PlanWarning(
            id=one.id,
            text=f"{one.target}: {one.title}: {one.detail}"
            + (f" ({one.waived_by})" if one.waived_by else ""),
        )
        for one in results
        if one.verdict in shown
    ]


def fingerprint(model: BaseModel) -> str:
    """SHA-256 of a model's content without the times at which it was observed, which tell nothing of the world."""
    plain = _without_times(model.model_dump(mode="json"))
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


_VOLATILE = frozenset({"observed_at", "clock_offset_s", "clock_error_s", "free_memory_mib", "jobs"})


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_times(child) for key, child in value.items() if key not in _VOLATILE}
    if isinstance(value, list):
        return [_without_times(child) for child in value]
    return value
