"""The real runner on a machine whose administrator's settings lie elsewhere: `python -m ... SETTINGS`."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def command(settings: Path) -> tuple[str, ...]:
    """What starts it instead of the runner of production."""
    return (sys.executable, "-P", "-m", "tests.whole.demanding_runner", str(settings))


if __name__ == "__main__":
    from core.runner.__main__ import main
    from core.system_settings import load_system_settings

    sys.exit(main(system=lambda: load_system_settings(Path(sys.argv[1]), os.getuid())))
