"""How the command line hands over to the screen without importing it: whoever starts the program hangs a door here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from core.errors import ExitCode

if TYPE_CHECKING:
    from core.cli.lab_process import RunningLab

_door: list[Callable[[RunningLab], ExitCode]] = []


def hang_door(open_it: Callable[[RunningLab], ExitCode]) -> None:
    """Called once by the program's entry, which knows the screen."""
    _door[:] = [open_it]


def open_wizard_on(lab: RunningLab) -> ExitCode:
    """Open the wizard on a lab; without a screen, say how to go on."""
    if not _door:
        from core.errors import PoolwrightError

        raise PoolwrightError("cannot open the wizard: this program has no screen", fix="use --headless")
    return _door[0](lab)
