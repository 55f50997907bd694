"""What commands share about their inputs: the spec, secrets (prompt, file, environment) and trust, headless."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.asking import ask, ask_secret, is_terminal
from core.cli.diagnostics import say
from core.cli.password_file import read_password_file
from core.environment import take_secrets, variable
from core.errors import SecretError, TrustError
from core.secrets import Secrets
from core.text import nearest

if TYPE_CHECKING:
    from core.models.spec import BaseSpec
    from core.service import Service


def add_common(parser: argparse.ArgumentParser, *, spec_nargs: str | None = None) -> None:
    """Arguments of every command that speaks to servers; `spec_nargs` "?" where the spec may be left out."""
    parser.add_argument(
        "spec", type=Path, nargs=spec_nargs, metavar="SPEC", help="the pool description (YAML)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument(
        "--password-file",
        type=Path,
        metavar="FILE",
        help="secrets, a line each: `manager: ...`, `agent: ...`, `ssh: ...`, `jump: ...`, `chap: ...`; mode 0600."
        " Also read: POOLWRIGHT_MANAGER_PASSWORD, POOLWRIGHT_AGENT_PASSWORD, ...",
    )
    parser.add_argument("--known-hosts", type=Path, metavar="FILE", help="OpenSSH known_hosts file to trust")
    add_state_dir(parser)


def standard_input(max_bytes: int) -> bytes:
    """What is typed or piped into us (`-` as a file's name); FileError over the limit."""
    from core import files

    data = sys.stdin.buffer.read(max_bytes + 1) if sys.stdin is not None else b""
    if len(data) > max_bytes:
        raise files.too_large("standard input", max_bytes)
    return data


def add_state_dir(parser: argparse.ArgumentParser) -> None:
    """Where runs are kept."""
    parser.add_argument("--state-dir", type=Path, metavar="DIR", help="where runs and pins are kept")


def gather_secrets(service: Service, spec: BaseSpec, password_file: Path | None) -> Secrets:
    """Every secret the spec needs: from the file, the environment, or asked for at the terminal.

    SecretError names all that are missing, and all that cannot be sent, at once.
    """
    platform = service.platform(spec.platform)
    fields = platform.secrets_needed(spec)
    values = _from_environment(platform.secret_names)
    if password_file is not None:
        values = {**values, **read_password_file(password_file, platform.secret_names)}
    missing = [field for field in fields if not values.get(field.name)]
    if missing and not is_terminal():
        lines = ", ".join(f"`{field.name}: ...`" for field in missing)
        raise SecretError(
            f"cannot go on without {', '.join(field.label for field in missing)}",
            fix=f"give --password-file with {lines}, or set {', '.join(variable(field.name) for field in missing)}",
        )
    for field in missing:
        values[field.name] = ask_secret(field.label)
    problems = [
        f"{field.label}: {problem}"
        for field in fields
        if (problem := service.secret_problem(spec.platform, field.name, values[field.name])) is not None
    ]
    if problems:
        raise SecretError(f"cannot use the {'; the '.join(problems)}")
    return Secrets(values)


def _from_environment(names: Collection[str]) -> dict[str, str]:
    """What the environment gave; SecretError for a variable that names no secret."""
    found = take_secrets()
    for name in found:
        if name not in names:
            near = nearest(name, names)
            raise SecretError(f"cannot use {variable(name)}: there is no secret {name!r}", fix=near)
    return found


def _confirmed_by_count(count: int, about: str) -> bool:
    """At a terminal the operator confirms what is listed by typing how many there are."""
    if not is_terminal():
        return False
    question = (
        f"Compare them with the servers' consoles. Type {count} to trust all of these, anything else to stop:"
    )
    return ask(question, about=about) == str(count)


async def require_trust(service: Service, spec: BaseSpec, secrets: Secrets) -> None:
    """Everything must be known from the spec, a known-hosts file or an earlier pin, or be confirmed now."""
    from core.transports.trust import TrustState

    identities = await service.identities(spec, secrets)
    service.trust(
        [each for each in identities if each.state is TrustState.CHANGED]
    )  # raises when there is one
    new = [each for each in identities if each.state is TrustState.NEW]
    if not new:
        return
    told = "\n".join(
        f"  {each.endpoint.server} ({each.endpoint.plane}) shows {each.fingerprint} ({each.algorithm})"
        + (f"; {each.reason}" if each.reason else "")
        for each in new
    )
    say(told)
    if _confirmed_by_count(len(new), told):
        service.trust(new)
        return
    raise TrustError(
        f"cannot trust {len(new)} host key(s) or certificate(s) that nobody confirmed",
        fix="compare them, then put them into the spec as `fingerprint`/`fingerprints`, or into a known-hosts file,"
        " or confirm them in the wizard",
    )
