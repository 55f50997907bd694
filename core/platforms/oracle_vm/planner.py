"""Spec and facts to a plan: ordered steps with the exact commands and the way back. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from core.models.fingerprint import digest
from core.models.plan import Plan
from core.models.results import CheckResult
from core.platforms.oracle_vm.facts import OvmFleet
from core.platforms.oracle_vm.fingerprint import basis_of
from core.platforms.oracle_vm.manager_cli.dialect import NoSuchWordError
from core.platforms.oracle_vm.planning import words
from core.platforms.oracle_vm.planning.draft import Draft
from core.platforms.oracle_vm.planning.pool import create_step, join_steps, policy_steps
from core.platforms.oracle_vm.planning.render import lines_of
from core.platforms.oracle_vm.planning.servers import own_step
from core.platforms.oracle_vm.planning.storage import storage_steps
from core.platforms.oracle_vm.planning.unobservable import unobservable
from core.platforms.oracle_vm.spec import PoolSpec, StartPolicy


def make_plan(
    spec: PoolSpec, fleet: OvmFleet, results: Sequence[CheckResult], now: datetime | None = None
) -> Plan:
    """The plan; raises PoolwrightError when the release is unknown or cannot do what is asked for."""
    draft = Draft(spec, fleet)
    pool = draft.spec.pool
    if pool.start_policy is StartPolicy.BALANCE_SERVER and draft.release != "3.4":
        raise NoSuchWordError(
            f"cannot plan for {draft.release}: start policy BALANCE_SERVER exists since 3.4",
            fix="use CURRENT_SERVER or BEST_SERVER (R098)",
        )
    owns = [own_step(draft, name) for name in draft.spec.master_first]
    storage = storage_steps(draft, [step.id for step in owns])
    create = create_step(draft, [step.id for step in (*owns, *storage)])
    joins = join_steps(draft, create.id)
    policy = policy_steps(draft, joins)
    basis = basis_of(draft.spec, draft.fleet)
    plan = Plan(
        platform=draft.spec.platform,
        pool=pool.name,
        steps=(*owns, *storage, create, *joins, *policy),
        warnings=(*words.warnings(draft), *words.found(results)),
        release=draft.release,
        spec_hash=words.fingerprint(draft.spec),
        facts_hash=digest(basis),
        basis=basis,
        made_at=now,
        verification=tuple(words.verification(draft)),
        unobservable=tuple(unobservable(draft)),
    )
    return plan.with_lines(lines_of)
