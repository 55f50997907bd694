"""Stands for a runner on the machine of test_logind.py: detached and protected as one, at work until it is told."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from core.runner import hardening


def main() -> None:
    """Say that it began, let go of the starter, wait for the word, leave a mark."""
    home = Path.home()
    hardening.detach()
    hardening.protect()
    (home / "pid").write_text(str(os.getpid()))
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    hardening.silence()
    while not Path("/run/go").exists():
        time.sleep(0.5)
    (home / "done").touch()


if __name__ == "__main__":
    main()
