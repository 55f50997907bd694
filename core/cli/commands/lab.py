"""`poolwright lab`: the simulated fleet alone, until stopped."""

from __future__ import annotations

import argparse
from pathlib import Path

from core.errors import ExitCode


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--scenario", default="healthy-nfs", metavar="NAME", help="scenario name, or a .toml file"
    )
    parser.add_argument(
        "--servers", type=int, metavar="N", help="how many servers (3, or as many as the scenario needs)"
    )
    parser.add_argument(
        "--ready-file", type=Path, metavar="F", help="written (JSON, mode 0600) once everything listens"
    )
    parser.add_argument("--seed", type=int, default=1, help="seed of everything random but the passwords")
    parser.add_argument("--speed", type=float, default=1.0, help="simulated seconds per real second")
    parser.add_argument("--list", action="store_true", help="list the scenarios and end")


def run(args: argparse.Namespace) -> ExitCode:
    from core.cli.output import emit_text
    from core.lab.scenario import load_scenario, scenario_names, servers_of

    if args.list:
        emit_text("\n".join(f"{name:<20} {load_scenario(name)[1].title}" for name in scenario_names()))
        return ExitCode.DONE
    import asyncio

    from core.cli.diagnostics import say
    from core.lab.run import run_lab

    servers = servers_of(args.scenario, args.servers)
    asyncio.run(run_lab(args.scenario, servers, args.ready_file, args.seed, speed=args.speed, say=say))
    return ExitCode.DONE
