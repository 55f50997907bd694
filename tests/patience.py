"""How long a test waits for what must come: enough for a busy machine, and more where the way of running asks it."""

from __future__ import annotations

import os

PATIENCE = float(
    os.environ.get("POOLWRIGHT_TEST_PATIENCE", "1")
)  # `make test-screens` waits four times as long
LIMIT_S = 30 * PATIENCE
