"""Bytes at the pty of 80x24 that a slow line must carry, on a recorded feed without a lab."""

from __future__ import annotations

import pytest

from bench.tui.measure import bytes_while_reporting
from tests.patience import PATIENCE

KIB = 1024


@pytest.mark.slow
@pytest.mark.timeout(600 * PATIENCE)
def test_256_reporting_servers_cost_few_bytes() -> None:
    """At most 8 KB a second while results stream (issue 6); a plain DataTable sent about 120."""
    sent, seconds = bytes_while_reporting("ours", 256, limit_s=5.0)
    assert sent > 0
    assert sent / seconds <= 8 * KIB
