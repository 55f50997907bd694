"""`python -m core.runner`: read one order from stdin, detach, answer one line on stdout, then be the run's own process.

Prints nothing else. Secrets come in by the pipe and stay in memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import ExitCode
from core.runner import hardening

if TYPE_CHECKING:
    from core.engine.reading import EngineLimits
    from core.errors import PoolwrightError
    from core.platforms.base import Platform
    from core.runner.protocol import Order
    from core.secrets import Secrets
    from core.system_settings import SystemSettings

ORDER_MAX_BYTES = 64 * 1024 * 1024


def main(
    resolve: Callable[[str], Platform] | None = None,
    *,
    engine: Callable[[], EngineLimits] | None = None,
    system: Callable[[], SystemSettings] | None = None,
) -> ExitCode:
    """Be a runner; `resolve` finds a platform by name (None: the catalogue's). Tests give other bounds by `engine`,
    and by `system` other demands than this machine's."""
    hardening.detach()
    hardening.protect()  # before anything else is loaded: what follows reads secrets
    hardening.keep_files_private()
    from core import crash
    from core.platforms import catalog
    from core.runner import process
    from core.system_settings import load_system_settings

    answer, words = _Answer(), ["(runner)"]
    try:
        order, secrets = _read()
        words += [order.task, order.run, "--state-dir", order.state_dir]
        resolve = resolve or catalog.platform
        limits = engine() if engine is not None else process.ENGINE
        demands = system or load_system_settings
        running = process.run(order, secrets, resolve, answer.ready, engine=limits, system=demands)
        outcome = asyncio.run(running)
    except Exception as error:  # noqa: BLE001 - the last word of a dying runner, masked
        return answer.refuse(crash.own(error, words))
    return ExitCode.DONE if outcome is not None else ExitCode.REFUSED


class _Answer:
    """The one line the starter waits for. Once it is said its pipes are let go, and a last word goes to a file."""

    def __init__(self) -> None:
        self.is_said = False
        self.errors: Path | None = None  # where a later failure is told

    def ready(self, run: str, errors: Path) -> None:
        """Tell the run's id. A starter that is gone by now does not stop the run: it was asked for."""
        self.errors = errors
        with contextlib.suppress(OSError):
            errors.unlink(missing_ok=True)  # an earlier runner's last word is not ours
        self._say({"ok": True, "run": run})

    def refuse(self, error: PoolwrightError) -> ExitCode:
        """Tell why nothing was begun, or why it ended."""
        from core.runner.told import as_data

        self._say({"ok": False, **as_data(error, self._mask)})
        return error.exit_code

    def _mask(self, text: str) -> str:
        from core import masking

        return masking.foreign(text, masking.TEXT_MAX_CHARS)

    def _say(self, message: dict[str, Any]) -> None:
        line = json.dumps(message) + "\n"
        if not self.is_said:
            with contextlib.suppress(OSError):
                os.write(1, line.encode())
            hardening.silence()
        elif self.errors is not None:
            from core.paths import write_private

            with contextlib.suppress(OSError):
                write_private(self.errors, line)
        self.is_said = True


def _read() -> tuple[Order, Secrets]:
    from core import masking
    from core.errors import RunnerError
    from core.runner.protocol import Order
    from core.secrets import Secrets

    raw = sys.stdin.buffer.read(ORDER_MAX_BYTES)
    try:
        data = json.loads(raw)
        secrets = Secrets(data.pop("secrets"))
        masking.guard(secrets.values())
        return Order.model_validate(data), secrets
    except (ValueError, KeyError, AttributeError) as error:
        raise RunnerError(f"cannot read the order: {type(error).__name__}") from None


if __name__ == "__main__":
    sys.exit(main())
