"""Decides between screens and lines, and starts one of them. Textual is imported only for screens."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import ExitCode
from tui.hangup import end_with_terminal
from tui.terminal import reason

if TYPE_CHECKING:
    from core.secrets import Secrets
    from core.service import Service

STDIN = 0


def make_service() -> Service:
    """The service on the operator's own state; imported late, since it brings pydantic and asyncssh."""
    from core.service import Service

    return Service()


def open_wizard(
    service: Callable[[], Service] = make_service,
    *,
    spec: Mapping[str, Any] | None = None,
    secrets: Secrets | None = None,
    hints: Mapping[str, str] | None = None,
    autosave: Path | None = None,
    plain: bool = False,
    force: bool = False,
) -> ExitCode:
    """Run the wizard and return the exit code.

    `hints`: lines to show on home, by title. `force` skips the terminal test. Raises SettingsError for [keys] of
    settings.toml that cannot be used, before anything is painted.
    """
    _judge_keys()
    why = "" if plain or force else reason()
    if why:
        print(f"poolwright: plain mode, because {why} (--screens forces the screens)", file=sys.stderr)  # noqa: T201
    if plain or why:
        from tui.plain import run_plain

        return run_plain(service(), spec=spec, secrets=secrets, hints=hints)
    from tui.app import run_wizard

    end_with_terminal(STDIN)
    return run_wizard(service, spec=spec, secrets=secrets, hints=hints, autosave=autosave)


def _judge_keys() -> None:
    """The rest of the settings is judged beside the screen, since that brings pydantic."""
    from core.errors import SettingsError
    from core.key_names import problems
    from core.paths import settings_path
    from core.settings_file import SettingsFile

    file = SettingsFile.read(settings_path())
    wanted = file.data.get("keys", {})
    if not isinstance(wanted, dict):
        return
    if wrong := problems({name: keys for name, keys in wanted.items() if isinstance(keys, str)}, file):
        raise SettingsError(wrong)
