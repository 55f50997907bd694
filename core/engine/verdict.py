"""What a verification says of what a run made: created, created but not verified, or broken. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.models.events import Outcome, Verified
from core.models.plan import Plan


@dataclass(frozen=True, slots=True)
class VerificationVerdict:
    """The outcome, None when an essential item does not hold, and the sentence that goes with it."""

    outcome: Outcome | None
    text: str


def judge_verification(items: Sequence[Verified], plan: Plan) -> VerificationVerdict:
    """Judge what was seen. Created is said only when something essential was seen to hold, nothing essential was seen
    broken, and every essential item that could not be checked was accepted with the plan.
    """
    essential = [item for item in items if item.is_essential]
    broken = [item for item in essential if item.holds is False]
    if broken:
        return VerificationVerdict(None, f"verification: {broken[0].title}: {broken[0].detail}")
    accepted = {item.id for item in plan.unobservable}
    unseen = [item for item in essential if item.holds is None and item.id not in accepted]
    if unseen:
        more = f", and {len(unseen) - 1} more" if len(unseen) > 1 else ""
        return unverified(f"{unseen[0].title}: {unseen[0].detail}{more}. {counts(items)}")
    if not any(item.holds for item in essential):
        return unverified(counts(items))
    return VerificationVerdict(Outcome.CREATED, f"Created. {counts(items)}")


def unverified(reason: str) -> VerificationVerdict:
    """The verdict where the pool as a whole could not be verified."""
    return VerificationVerdict(Outcome.CREATED_UNVERIFIED, f"Created, not verified: {reason}")


def counts(items: Sequence[Verified]) -> str:
    """`15 of 16 verifications passed, 1 could not be checked.`"""
    if not items:
        return "No verification was made."
    answers = [item.holds for item in items]
    text = f"{answers.count(True)} of {len(items)} verifications passed"
    if failed := answers.count(False):
        text += f", {failed} failed"
    if unseen := answers.count(None):
        text += f", {unseen} could not be checked"
    return f"{text}."
