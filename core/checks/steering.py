"""Words of the operator that steer: ids that are accepted, planes, fingerprints. One that nothing has is bad input.

These are no rules of shape, so that the spec of an older run can still be read; what is typed now is judged.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from core.checks.judge import can_be_accepted
from core.checks.registry import Check, Registry
from core.errors import SpecProblem
from core.models.addresses import FINGERPRINT_HELP, is_fingerprint, shown
from core.models.spec import PLANES, SERVER_PLANES, BaseSpec
from core.text import nearest


def problems(registry: Registry, spec: BaseSpec) -> list[SpecProblem]:
    """What is wrong with the words of a spec, each under its own field."""
    return [
        *acceptances(registry, spec.accept, "accept"),
        *(
            problem
            for index, plane in enumerate(spec.allow_old_crypto)
            for problem in _plane(f"allow_old_crypto[{index}]", plane, PLANES)
        ),
        *(
            problem
            for index, server in enumerate(spec.servers)
            for name, planes in (("connect", server.connect), ("fingerprints", server.fingerprints))
            for plane in planes
            for problem in _plane(f"servers[{index}].{name}.{plane}", plane, SERVER_PLANES)
        ),
        *(
            SpecProblem(field, f"{shown(text)} is no SHA-256 fingerprint", FINGERPRINT_HELP)
            for field, text in _fingerprints(spec)
            if not is_fingerprint(text)
        ),
    ]


def acceptances(registry: Registry, words: Sequence[str], field: str) -> list[SpecProblem]:
    """What is wrong with accepted ids: unknown ones, and those that nobody can accept. `field` is where they stand."""
    found: list[SpecProblem] = []
    for index, word in enumerate(words):
        where = f"{field}[{index}]" if field == "accept" else field
        checks = registry.find(word)
        if not checks:
            found.append(unknown(registry, word, where))
        elif not any(check.acceptable for check in checks):
            what = f"{', '.join(check.id for check in checks)} is never accepted: going on could destroy data"
            found.append(SpecProblem(where, what, "mend what it says, and take the acceptance out"))
        elif not any(can_be_accepted(check) for check in checks):
            what = f"{', '.join(check.id for check in checks)} has nothing to accept: {_why_nothing(checks)}"
            found.append(SpecProblem(where, what, "take the acceptance out"))
    return found


def unknown(registry: Registry, word: str, field: str) -> SpecProblem:
    """That no check or rule has this id, with the nearest one that there is."""
    known = [*registry.checks, *(rule for check in registry for rule in check.rules)]
    fix = nearest(word, known, "`poolwright checks` lists them")
    return SpecProblem(field, f"no check or rule is called {shown(word)}", fix)


def _why_nothing(checks: Sequence[Check]) -> str:
    if all(check.spec_only for check in checks):
        return "the pool description alone tells it, so it is mended there"
    return "it stops no plan, whether it is unknown or a warning"


def _plane(field: str, plane: str, known: Collection[str]) -> list[SpecProblem]:
    if plane in known:
        return []
    return [SpecProblem(field, f"no plane is called {shown(plane)} here", nearest(plane, known))]


def _fingerprints(spec: BaseSpec) -> Iterator[tuple[str, str]]:
    """Every fingerprint of the spec, with its field."""
    for index, server in enumerate(spec.servers):
        for plane, text in server.fingerprints.items():
            yield f"servers[{index}].fingerprints.{plane}", text
    for name in type(spec).model_fields:
        own = getattr(getattr(spec, name), "fingerprint", None)
        if isinstance(own, str):
            yield f"{name}.fingerprint", own
