"""`poolwright rollback RUN`: takes back what a run did, and proves it by looking."""

from __future__ import annotations

import argparse

from core.cli.continuing import add_run_arguments, continue_run
from core.errors import ExitCode


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run_arguments(parser)


def run(args: argparse.Namespace) -> ExitCode:
    return continue_run(
        args, lambda service, run_id, secrets: service.rollback(run_id, secrets), is_rollback=True
    )
