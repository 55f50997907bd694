"""`poolwright resume RUN`: a new runner asks the world what happened, and goes on."""

from __future__ import annotations

import argparse

from core.cli.continuing import add_run_arguments, continue_run
from core.errors import ExitCode


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run_arguments(parser)


def run(args: argparse.Namespace) -> ExitCode:
    return continue_run(args, lambda service, run_id, secrets: service.resume(run_id, secrets))
