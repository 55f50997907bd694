"""What `resume` and `rollback` share: secrets again (no file ever held them), a new runner, following it."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.diagnostics import say
from core.cli.inputs import add_state_dir, gather_secrets
from core.errors import ExitCode
from core.models.events import Outcome

if TYPE_CHECKING:
    from core.secrets import Secrets
    from core.service import Service


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of commands that continue a run."""
    parser.add_argument("run", metavar="RUN", help="the run's id, as `poolwright runs` lists it")
    parser.add_argument("--password-file", type=Path, metavar="FILE", help="secrets, a line each; mode 0600")
    parser.add_argument("--json", action="store_true", help="print one JSON document at the end")
    add_state_dir(parser)


def continue_run(
    args: argparse.Namespace,
    start: Callable[[Service, str, Secrets], Awaitable[str]],
    *,
    confirm: Callable[[Service, Secrets], bool] | None = None,
    is_rollback: bool = False,
) -> ExitCode:
    """Start a new runner for the run, once `confirm` (None: nothing to confirm) says so, and follow it to its end.

    Returns the exit code of its outcome; a rollback that was asked for and ended clean is DONE.
    """
    from core.cli.following import attached, begin, detached, follow_here, tell
    from core.service import Service

    service = Service(args.state_dir)
    last_seq = service.show(args.run).last_seq
    secrets = gather_secrets(service, service.spec_of(args.run), args.password_file)
    if confirm is not None and not confirm(service, secrets):
        say("not confirmed; nothing was changed")
        return ExitCode.REFUSED

    started, is_left = begin(start(service, args.run, secrets))
    what = f"rollback of run {started} starts" if is_rollback else f"run {started} is taken up again"
    with attached(service, started) as heard:
        say(f"{what}; Ctrl-C leaves it running")
        if is_left or not follow_here(service, started, heard, last_seq):
            return detached(service, started, as_json=args.json)
        code = tell(service, started, as_json=args.json)
        return _of_rollback(service.show(started).outcome, code) if is_rollback else code


def _of_rollback(outcome: Outcome | None, code: ExitCode) -> ExitCode:
    """What it means for who asked for the rollback."""
    if outcome is Outcome.ROLLED_BACK:
        return ExitCode.DONE
    if outcome is not None and outcome.stands:
        say("refused: the pool stands as it did; the notes above say why")
        return ExitCode.REFUSED
    return code
