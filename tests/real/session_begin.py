"""Runs inside a login session of the machine of test_logind.py: starts a held run, tells how it is to survive."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from core.runner import client
from core.secrets import Secrets
from tests.engine.toy_platform import COMMAND, toy_document

HELD = "before-make-b.1.fifo"


def main() -> None:
    """Print one JSON line."""
    home = Path.home() / "run"
    home.mkdir()
    document = toy_document(home, "a > b")
    os.mkfifo(home / "gates" / HELD)
    seen = client.outlook(home / "state")
    run = asyncio.run(client.start_run(home / "state", document, Secrets({"manager": "m"}), command=COMMAND))
    said = {"run": run, "way": seen.way, "survives": seen.survives, "text": seen.text}
    sys.stdout.write(json.dumps({**said, "warnings": seen.warnings}) + "\n")


if __name__ == "__main__":
    main()
