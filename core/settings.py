"""Settings of this operator: file < environment < flags. The file is settings.toml in the configuration folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)
from typing_extensions import override

from core import files
from core.files import FileError
from core.paths import default_config_dir

MAX_BYTES = 64 * 1024


class Settings(BaseSettings):
    """Every setting with its unit; an environment variable is POOLWRIGHT_ and the name in capitals."""

    model_config = SettingsConfigDict(env_prefix="POOLWRIGHT_", extra="ignore", frozen=True)

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
        return (init_settings, env_settings, InitSettingsSource(settings_cls, _of_file()))


def _of_file() -> dict[str, Any]:
    """What settings.toml says, nothing when there is none; FileError when it cannot be read."""
    try:
        return files.read_toml(default_config_dir() / "settings.toml", MAX_BYTES)
    except FileError as error:
        if error.is_missing:
            return {}
        raise


def load_settings(**flags: Any) -> Settings:
    """Settings of file and environment, overridden by the flags that are not None.

    Raises SpecError, naming the setting, for a value that cannot be used.
    """
    from pydantic import ValidationError

    from core.errors import SpecError, SpecProblem

    try:
        return Settings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        raise SpecError(
            [SpecProblem(f"setting {'.'.join(map(str, each['loc']))}", each["msg"].lower()) for each in found]
        ) from error
    except SettingsError as error:  # a variable whose value is no JSON where it must be
        raise SpecError([SpecProblem("settings in the environment", f"cannot be read: {error}")]) from error
