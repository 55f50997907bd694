"""The wizard on the operator's own state with a prepared pool: `python -m tests.whole.wizard_program FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from core.secrets import Secrets
from core.service import Service
from tui.launch import open_wizard


def main() -> int:
    """FOLDER holds `ready.json.spec.yaml` and `passwords`, as tests.whole.test_sessions.place writes them."""
    folder = Path(sys.argv[1])
    service = Service()
    spec = service.load(folder / "ready.json.spec.yaml").model_dump(mode="json", exclude_defaults=True)
    lines = (folder / "passwords").read_text("utf-8").splitlines()
    secrets = Secrets(dict(line.split(": ", 1) for line in lines))
    return open_wizard(lambda: service, spec=spec, secrets=secrets)


if __name__ == "__main__":
    sys.exit(main())
