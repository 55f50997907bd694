"""Start a runner and wait for its one line. Secrets go through the pipe, never by argv, environment or file."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Sequence
from pathlib import Path

import core
from core import own_limit
from core.errors import RunnerError
from core.runner import survival
from core.runner.hardening import clean_environment
from core.runner.protocol import Order
from core.runner.survival import Way
from core.runner.told import from_data
from core.secrets import Secrets
from core.transports.wire import is_own_limit

READY_S = 60.0  # importing, opening a journal and checking it; a slow disk included


def default_command() -> tuple[str, ...]:
    """The production runner: this very interpreter, nothing taken from the current folder."""
    return (sys.executable, "-P", "-m", "core.runner")


def package_root() -> str:
    """Where `core` lies when it is not installed (a checkout), empty when the interpreter finds it by itself."""
    root = Path(core.__path__[0]).parent
    return "" if root.name in ("site-packages", "dist-packages") else str(root)


async def launch(order: Order, secrets: Secrets, way: Way, command: Sequence[str] | None = None) -> str:
    """Start a runner and return its run's id once it is ready; raises what it refused with."""
    argv = survival.words(way, command or default_command())
    text = json.dumps(
        {**order.model_dump(mode="json"), "secrets": {name: secrets.get(name) for name in secrets.names()}}
    )
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            env=clean_environment(os.environ, package_root()),
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        fix = own_limit.FIX if is_own_limit(error) else ""
        raise RunnerError(f"cannot start a runner: {argv[0]}: {error.strerror}", fix=fix) from error
    try:
        async with asyncio.timeout(READY_S):
            said, _ = await process.communicate(text.encode())
    except TimeoutError:
        raise RunnerError(
            f"cannot tell whether the runner began: no word within {READY_S:g} s",
            fix="look at `poolwright runs`",
        ) from None
    return _understood(said)


def _understood(said: bytes) -> str:
    try:
        answer = json.loads(said)
        if answer["ok"]:
            return str(answer["run"])
        refused = from_data(answer)
    except (ValueError, KeyError, TypeError) as error:
        raise RunnerError(
            "cannot start a runner: it ended without a word", fix="try `python -m core.runner`"
        ) from error
    raise refused
