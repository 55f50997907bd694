"""How many examples a property is tried with."""

from __future__ import annotations

import os

from hypothesis import settings

TIMES = int(os.environ.get("POOLWRIGHT_TEST_EXAMPLES", "1"))  # `make explore` multiplies every count


def examples(count: int) -> settings:
    """`@examples(40)`: as many examples as a usual run can afford; the rest comes from the profile."""
    return settings(max_examples=count * TIMES)
