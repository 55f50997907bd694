"""The wizard on the fake service, as a program for tests on a pty: `python -m tests.tui.plain_program DIR [ready]`."""

from __future__ import annotations

import sys
from pathlib import Path

from core.secrets import Secrets
from tests.tui.fakes import SECRETS, SPEC, FakeService
from tui.launch import open_wizard


def main() -> int:
    """Open the wizard as the terminal allows."""
    folder, words = Path(sys.argv[1]), sys.argv[2:]
    service = FakeService(folder)
    if "ready" in words:
        return open_wizard(lambda: service, spec=SPEC, secrets=Secrets(SECRETS), plain="plain" in words)
    return open_wizard(lambda: service, plain="plain" in words)


if __name__ == "__main__":
    sys.exit(main())
