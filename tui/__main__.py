"""`poolwright`: a subcommand goes straight to core.cli, otherwise the wizard opens. Imports nothing heavy itself."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.errors import ExitCode
from tui.terminal import has_terminal

if TYPE_CHECKING:
    from core.cli.lab_process import RunningLab

OWN = ("--plain", "--screens")  # words of the wizard itself; everything else is the command line's


def main(argv: Sequence[str] | None = None) -> ExitCode:
    """Console script. Without a command, in a terminal: the wizard; `--plain`: the same as prompts and lines."""
    from core.cli.diagnostics import begin_program, guarded
    from core.cli.ending import through_clean_up

    if argv is None:
        begin_program()
    words = list(sys.argv[1:] if argv is None else argv)
    with through_clean_up():
        return guarded(lambda: _open(words), words)


def _open(words: list[str]) -> ExitCode:
    if has_terminal() and all(word in OWN for word in words):
        from core.environment import take_secrets
        from core.runner.hardening import protect
        from core.secrets import Secrets
        from tui.launch import open_wizard

        protect()
        secrets = Secrets(take_secrets())
        return open_wizard(secrets=secrets, plain="--plain" in words, force="--screens" in words)
    from core.cli.main import main as headless
    from core.cli.wizard_door import hang_door

    hang_door(open_lab)
    return headless(words)


def open_lab(lab: RunningLab) -> ExitCode:
    """The wizard on a simulated fleet, its spec and throw-away secrets filled in."""
    from core.service import Service
    from tui.launch import open_wizard

    service = Service(lab.folder / "state")
    spec = service.load(lab.spec).model_dump(mode="json", exclude_defaults=True)
    hints = {"Rehearsal": "this is a simulated fleet with throw-away passwords; nothing real is touched"}
    return open_wizard(lambda: service, spec=spec, secrets=lab.secrets, hints=hints)


if __name__ == "__main__":
    sys.exit(main())
