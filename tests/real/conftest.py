"""The heavy tests on real systems run one after the other, only when they are asked for: `make test-real`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ASKED_FOR = "POOLWRIGHT_TEST_REAL"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip this folder's tests unless asked for: several workers would each start machines of their own."""
    if os.environ.get(ASKED_FOR) == "1":
        return
    reason = pytest.mark.skip(reason=f"heavy: run by `make test-real` ({ASKED_FOR}=1)")
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(reason)
