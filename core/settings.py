"""Settings of this operator: file < environment < flags. The file is settings.toml in the configuration folder."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pydantic_settings
from pydantic import Field
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from typing_extensions import override

from core import key_names
from core.errors import SettingsError, SpecProblem
from core.paths import settings_path
from core.settings_file import SettingsFile

_PREFIX = "POOLWRIGHT_"
_SLIP = 0.9  # how near a name must be to be called a slip


class Settings(BaseSettings):
    """Every setting with its unit; an environment variable is POOLWRIGHT_ and the name in capitals."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="ignore", frozen=True)

    state_dir: Path | None = Field(
        default=None, description="where runs and pins are kept; empty: the XDG state folder"
    )
    known_hosts: Path | None = Field(default=None, description="OpenSSH known_hosts file to trust, read only")
    connect_s: float = Field(default=10.0, gt=0, description="longest wait for one connection, seconds")
    ssh_command_s: float = Field(
        default=20.0, gt=0, description="longest wait for one command on a server, seconds"
    )
    agent_discover_s: float = Field(
        default=120.0, gt=0, description="longest wait for an agent's discover call, seconds"
    )
    manager_command_s: float = Field(
        default=1800.0, gt=0, description="longest wait for one Manager command, seconds"
    )
    log_level: str = Field(
        default="WARNING",
        pattern="^(DEBUG|INFO|WARNING|ERROR)$",
        description="what poolwright.log in the state folder tells of libraries and our own doings",
    )
    draw_s: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="shortest time between two paints of the wizard, seconds, 0 to 1; while results stream 3.5 times "
        "and during a run 5 times as long; a key is answered at once all the same",
    )
    theme: str = Field(default="", description="colour theme of the wizard; empty: chosen for the terminal")
    keys: dict[str, str] = Field(
        default={}, description="keys of the wizard by the name of what they do, such as wizard.next = 'f2'"
    )

    @classmethod
    @override
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        file = InitSettingsSource(settings_cls, settings_file().data)
        return (init_settings, env_settings, file)


def load_settings(**flags: Any) -> Settings:
    """Settings of file and environment, overridden by the flags that are not None.

    Raises SettingsError, with each setting and its line, for a key that does not exist and a value of no use.
    """
    from pydantic import ValidationError

    _judge_environment()
    try:
        settings = Settings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        raise SettingsError(
            [_problem(tuple(map(str, each["loc"])), each["msg"], flags) for each in found]
        ) from error
    except pydantic_settings.SettingsError as error:  # a variable whose value is no JSON where it must be
        raise SettingsError(
            [SpecProblem("settings in the environment", f"cannot be read: {error}")]
        ) from error
    if wrong := key_names.problems(settings.keys, settings_file()):
        raise SettingsError(wrong)
    return settings


def settings_file() -> SettingsFile:
    """What the operator's own settings.toml says; SettingsError when it cannot be used."""
    return SettingsFile.read(settings_path(), Settings.model_fields)


def _problem(key: tuple[str, ...], message: str, flags: Mapping[str, Any]) -> SpecProblem:
    """A value that cannot be used, where it was said: by a flag, a variable or the file."""
    message = message[:1].lower() + message[1:]
    variable = f"{_PREFIX}{key[0].upper()}"
    if flags.get(key[0]) is not None or variable in os.environ:
        return SpecProblem(
            f"--{key[0].replace('_', '-')}" if flags.get(key[0]) is not None else variable, message
        )
    return settings_file().problem(key, message)


def _judge_environment() -> None:
    """A variable of ours that is nearly a setting is a slip; others with our prefix may be somebody else's."""
    known = [f"{_PREFIX}{name.upper()}" for name in Settings.model_fields]
    problems = [
        SpecProblem(name, "there is no such setting", f"did you mean {near[0]}?")
        for name in sorted(os.environ)
        if name.startswith(_PREFIX) and name not in known
        if (near := difflib.get_close_matches(name, known, n=1, cutoff=_SLIP))
    ]
    if problems:
        raise SettingsError(problems)
