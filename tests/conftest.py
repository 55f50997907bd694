"""How drawn examples are drawn: the same ones in every `make test`, new ones in `make explore`.

A draw that nobody has seen before is a find, but not the fault of the change that happens to be tested: so what judges
a change is repeatable, and looking for new finds is a run of its own.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

from tests.examples import TIMES

IS_EXPLORING = TIMES > 1

settings.register_profile(
    "steady",
    deadline=None,  # a busy machine is no fault
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "explore",
    parent=settings.get_profile("steady"),
    derandomize=False,
    max_examples=100 * TIMES,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("explore" if IS_EXPLORING else "steady")
