"""Runs inside a login session of the machine of test_logind.py: starts a process as a runner is started, and tells how
poolwright thinks it will survive. Standard library alone: an emulated processor takes long to import."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from core.runner import survival
from core.runner.hardening import clean_environment


def main() -> None:
    """Print one JSON line."""
    seen = survival.detect()
    argv = survival.words(seen.way, [sys.executable, "-P", "-m", "tests.real.session_runner"])
    root = str(Path(__file__).parents[2])
    environ = clean_environment(os.environ, root)
    pipe = subprocess.PIPE
    started = subprocess.run(
        argv, env=environ, cwd="/", start_new_session=True, stdin=pipe, stdout=pipe, text=True, check=True
    )
    said = {"way": seen.way, "survives": seen.survives, "text": seen.text, "warnings": seen.warnings}
    sys.stdout.write(json.dumps({**said, "started": started.stdout.strip()}) + "\n")


if __name__ == "__main__":
    main()
