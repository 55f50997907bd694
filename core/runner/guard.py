"""The platform's guards as the engine asks them: what must hold right before the first step, and after a rollback."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from core.checks.judge import judge
from core.checks.runner import run_checks
from core.engine.guarding import Cleared
from core.errors import DriftError, RunnerError
from core.models.events import Verified
from core.models.fingerprint import Fingerprint
from core.models.fleet import FleetFacts
from core.models.plan import Plan, PlanAim
from core.models.spec import BaseSpec
from core.models.use import why_not_undo
from core.platforms.base import Platform
from core.text import inert, listed

_AGAIN = "nothing was changed; give the right password and try again"
_REFUSALS = 12  # told one by one
_REASON = 600  # characters: a reason is told whole, with its remedy


@dataclass(frozen=True, slots=True)
class RunGuard:
    """One run's guard; satisfies core.engine.guarding.Guard."""

    platform: Platform
    world: Any
    spec: BaseSpec
    plan: Plan
    accepted: tuple[str, ...]

    async def clear(self) -> Cleared:
        """Look once more: DriftError when the plan no longer fits, RunnerError when it could not be undone."""
        fleet = await self._survey()
        changes = self.platform.drift(self.spec, self.plan, fleet)
        if changes:  # a server may have been slow; nothing is decided by one look
            fleet = await self._survey()
            changes = self.platform.drift(self.spec, self.plan, fleet)
        is_sweep = self.plan.aim is PlanAim.SWEEP
        if not is_sweep:
            changes = [*changes, *await self._refused(fleet)]
        if changes:
            raise DriftError(self.plan.pool, changes)
        if is_sweep:
            return Cleared(self.platform.fingerprint(self.spec, self.plan, fleet))
        conditions = self.platform.undo_conditions(self.spec, self.plan, fleet)
        missing = [each for each in conditions if each.is_essential and each.holds is not True]
        if missing:
            raise RunnerError(
                f"cannot begin: it could not be taken back: {'; '.join(_told(one) for one in missing)}",
                fix="mend it, check again and start again",
            )
        return Cleared(
            self.platform.fingerprint(self.spec, self.plan, fleet),
            [f"undo: {_told(one)}" for one in conditions],
        )

    async def look_again(self) -> Fingerprint:
        """The fingerprint now."""
        return self.platform.fingerprint(self.spec, self.plan, await self._survey())

    async def prove_logins(self, is_same: Callable[[str], bool | None]) -> list[str]:
        """Try every login that an undo needs before anything is undone; returns what could not be proven, in words.

        `is_same` tells of a secret whether it is the run's own (None: nobody can tell). RunnerError when one is wrong.
        """
        logins = self.platform.logins(self.spec, self.plan, await self._survey())
        wrong = [f"{one.server} ({one.plane}): {one.reason}" for one in logins if one.is_taken is False]
        if wrong:
            more = f"; and {len(wrong) - _REFUSALS} more" if len(wrong) > _REFUSALS else ""
            told = "; ".join(inert(each, _REASON) for each in wrong[:_REFUSALS])
            raise RunnerError(f"cannot go on: login refused: {told}{more}", fix=_AGAIN)
        notes = []
        taken = {one.secret for one in logins if one.is_taken}
        for secret in sorted({one.secret for one in logins} - taken):
            where = listed(one.server for one in logins if one.secret == secret)
            same = is_same(secret)
            if same is False:
                text = f"the {secret} password is not the one this run was started with, and {where} cannot tell now"
                raise RunnerError(f"cannot go on: {text}", fix=_AGAIN)
            if same is None:
                notes.append(
                    f"nobody could tell whether the {secret} password is right: {where} cannot tell now"
                )
        return notes

    async def why_keep(self, *, is_whole: bool) -> list[str]:
        """Why what a run made must not be taken down now; empty when it may be. A half-made pool is only asked for
        who lives on it; its steps look again."""
        if is_whole:
            return list(self.platform.why_keep(self.spec, self.plan, await self._survey()))
        fleet = await self.platform.survey(self.world, self.spec, self.plan, only=())
        return list(why_not_undo(self.platform.use_of(self.spec, self.plan, fleet), is_whole=False))

    async def _survey(self) -> FleetFacts:
        return await self.platform.survey(self.world, self.spec, self.plan)

    async def _refused(self, fleet: FleetFacts) -> list[str]:
        """Blockers that are hit now and were not accepted; some change within minutes (R010, R020, R114)."""
        context = self.platform.context(self.spec, fleet, datetime.now(UTC))
        results = await run_checks(self.platform.checks, context)
        refusals, _unknown = judge(self.platform.checks, results, [*self.accepted, *self.plan.accepted])
        return [f"{one.target}: {one.title}: {one.detail}" for one in refusals]


def _told(item: Verified) -> str:
    word = {True: "yes", False: "no", None: "unknown"}[item.holds]
    return f"{item.title}: {word}, {item.detail}"
