"""`poolwright COMMAND`: finds the command and runs it. Imports only what that command needs, so that help is quick."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from typing_extensions import override

from core.cli.diagnostics import begin_program, guarded, say
from core.cli.ending import through_clean_up
from core.errors import ExitCode

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

COMMANDS: dict[str, str] = {
    "check": "look at every server and say whether the pool would be made and live well",
    "plan": "show the exact commands, with an undo for each",
    "apply": "check, plan and make the pool; survives a dropped session",
    "approve": "approve a plan as a second person",
    "runs": "list the runs of this machine",
    "show": "show one run: steps, verification, what is left",
    "attach": "follow a live run",
    "control": "pause, continue, abort or leave a live run, or answer what it asks",
    "resume": "go on with a run that was interrupted",
    "rollback": "take back what a run has done",
    "checks": "list every check there is",
    "explain": "what a check or a rule means, why, and what to do",
    "sweep": "find what earlier failures left, and end it after you confirm",
    "compat": "who can live-migrate to whom, and why not",
    "migrate-check": "would one guest be let from A to B",
    "demo": "make a pool on a simulated fleet",
    "lab": "run the simulated fleet alone",
    "decode": "show what an agent's reply or a Manager transcript says",
    "schema": "print the JSON Schema of a spec",
    "version": "print the version",
}


class Command(Protocol):
    """What every module in commands/ offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's own arguments."""

    def run(self, args: argparse.Namespace) -> ExitCode:
        """Do it and return the exit code; PoolwrightError may leave it."""


class _Parser(argparse.ArgumentParser):
    """argparse drops what it cannot write; help is an answer like every other."""

    @override
    def print_help(self, file: SupportsWrite[str] | None = None) -> None:
        from core.cli.output import emit_text

        if file is None:
            emit_text(self.format_help())
        else:
            super().print_help(file)


def _overview() -> argparse.ArgumentParser:
    lines = "\n".join(f"  {name:<14} {text}" for name, text in COMMANDS.items())
    return _Parser(
        prog="poolwright",
        usage="poolwright [COMMAND] [OPTIONS]",
        description="Creates Oracle VM server pools, and proves first that they will work.\n"
        "Without a command, in a terminal, it opens the wizard.",
        epilog=f"commands:\n{lines}\n\n`poolwright COMMAND --help` tells more.\n"
        "Exit codes:\n" + "\n".join(f"  {code:<4} {code.meaning}" for code in ExitCode),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def _command(name: str) -> Command:
    return cast(Command, import_module(f"core.cli.commands.{name.replace('-', '_')}"))


def main(argv: Sequence[str] | None = None) -> ExitCode:
    """Run one command line; returns the exit code (BAD_INPUT for a wrong call, as argparse does)."""
    if argv is None:
        begin_program()
    words = list(sys.argv[1:] if argv is None else argv)
    with through_clean_up():
        return guarded(lambda: _run(words), words)


def _run(words: list[str]) -> ExitCode:
    overview = _overview()
    if not words or words[0] in ("-h", "--help"):
        overview.print_help(None if words else sys.stderr)
        return ExitCode.DONE if words else ExitCode.BAD_INPUT
    name = "version" if words[0] == "--version" else words[0]
    if name not in COMMANDS:
        overview.print_usage(sys.stderr)
        say(f"poolwright: there is no command '{name}'{_nearest(name)}")
        return ExitCode.BAD_INPUT
    parser = _Parser(prog=f"poolwright {name}", description=COMMANDS[name], allow_abbrev=False)
    command = _command(name)
    command.add_arguments(parser)
    try:
        args = parser.parse_args(words[1:])
    except SystemExit as leave:  # argparse leaves this way for --help (0) and wrong calls (2)
        return ExitCode.BAD_INPUT if leave.code else ExitCode.DONE
    return _protected(command, args)


def _protected(command: Command, args: argparse.Namespace) -> ExitCode:
    from core.environment import hold_secrets
    from core.runner.hardening import protect

    protect()
    hold_secrets()
    return command.run(args)


def _nearest(name: str) -> str:
    import difflib

    near = difflib.get_close_matches(name, COMMANDS, n=1)
    return f"; did you mean '{near[0]}'?" if near else "; see `poolwright --help`"


if __name__ == "__main__":
    sys.exit(main())
