"""`python -m core.runner`: read one order from stdin, detach, answer one line on stdout, then be the run's own process.

Prints nothing else. Secrets come in by the pipe and stay in memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import traceback
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

ORDER_MAX_BYTES = 64 * 1024 * 1024


def main(
    resolve: Callable[[str], Platform] | None = None, *, engine: Callable[[], EngineLimits] | None = None
) -> ExitCode:
    """Be a runner; `resolve` finds a platform by name (None: the catalogue's), `engine` gives other bounds (tests)."""
    hardening.detach()
    hardening.protect()  # before anything else is loaded: what follows reads secrets
    hardening.keep_files_private()
    from core.errors import PoolwrightError
    from core.platforms import catalog
    from core.runner import process

    answer = _Answer()
    try:
        order, secrets = _read()
        resolve = resolve or catalog.platform
        limits = engine() if engine is not None else process.ENGINE
        outcome = asyncio.run(process.run(order, secrets, resolve, answer.ready, engine=limits))
    except PoolwrightError as error:
        return answer.refuse(error)
    except Exception as error:  # noqa: BLE001 - the last word of a dying runner, masked
        return answer.died(error)
    return ExitCode.DONE if outcome is not None else ExitCode.REFUSED


class _Answer:
    """The one line the starter waits for. Once it is said its pipes are let go, and a last word goes to a file."""

    def __init__(self) -> None:
        self.is_said = False
        self.errors: Path | None = None  # where a later failure is told

    def ready(self, run: str, errors: Path) -> None:
        """Tell the run's id. A starter that is gone by now does not stop the run: it was asked for."""
        self.errors = errors
        self._say({"ok": True, "run": run})

    def refuse(self, error: PoolwrightError) -> ExitCode:
        """Tell why nothing was begun, or why it ended."""
        from core.runner.told import as_data

        self._say({"ok": False, **as_data(error, self._mask)})
        return error.exit_code

    def died(self, error: Exception) -> ExitCode:
        """A bug: tell its kind and place in one line; a traceback helps no operator."""
        frames = traceback.extract_tb(error.__traceback__)
        where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
        text = self._mask(f"cannot go on: {type(error).__name__}: {error}{where}")
        self._say({"ok": False, "code": "PW600", "message": text, "fix": "report this as a bug"})
        return ExitCode.INTERNAL

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
