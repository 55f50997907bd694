"""Logging: the standard library's, with one filter that makes every record inert and masks every known secret."""

from __future__ import annotations

from pathlib import Path

from core.secrets import Secrets


def setup_logging(path: Path | None, *, level: str = "INFO") -> None:
    """Log to one file (0600, created), or nowhere when `path` is None. May be called again."""
    raise NotImplementedError


def guard(secrets: Secrets) -> None:
    """From now on mask these secrets in every log record of this process."""
    raise NotImplementedError
