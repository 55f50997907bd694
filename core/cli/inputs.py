"""What commands share about their inputs: the spec, secrets (prompt, file, environment) and trust, headless."""

from __future__ import annotations

import argparse
import getpass
import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.diagnostics import say
from core.errors import SecretError, TrustError
from core.secrets import Secrets

if TYPE_CHECKING:
    from core.models.spec import BaseSpec
    from core.service import Service

MAX_SECRET_FILE_BYTES = 64 * 1024


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


def add_state_dir(parser: argparse.ArgumentParser) -> None:
    """Where runs are kept."""
    parser.add_argument("--state-dir", type=Path, metavar="DIR", help="where runs and pins are kept")


def read_password_file(path: Path) -> dict[str, str]:
    """Secrets of a file that only its owner can read; SecretError says what is wrong, never a secret."""
    try:
        with path.open(encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            if stat.S_ISREG(mode) and mode & 0o077:
                raise SecretError(f"cannot use {path}: others can read it", fix=f"chmod 600 {path}")
            text = file.read(MAX_SECRET_FILE_BYTES)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SecretError(f"cannot read {path}: {why}") from None
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, colon, value = line.partition(":")
        if not colon or not name.strip().isidentifier():
            raise SecretError(f"cannot use {path}: line {number} is not `name: secret`")
        found[name.strip()] = value.removeprefix(" ")
    return found


def from_environment(names: list[str]) -> dict[str, str]:
    """Secrets of the environment, taken out of it so that no child inherits them."""
    found = {}
    for name in names:
        value = os.environ.pop(f"POOLWRIGHT_{name.upper()}_PASSWORD", None)
        if value:
            found[name] = value
    return found


def gather_secrets(service: Service, spec: BaseSpec, password_file: Path | None) -> Secrets:
    """Every secret the spec needs: from the file, the environment, or asked for at the terminal."""
    fields = service.platform(spec.platform).secrets_needed(spec)
    values = from_environment([field.name for field in fields])
    if password_file is not None:
        values = {**values, **read_password_file(password_file)}
    for field in fields:
        if field.name in values:
            continue
        if not sys.stdin.isatty():
            raise SecretError(
                f"cannot go on without the {field.label}",
                fix=f"give --password-file, or set POOLWRIGHT_{field.name.upper()}_PASSWORD",
            )
        values[field.name] = getpass.getpass(f"{field.label}: ")
    for field in fields:
        problem = service.secret_problem(spec.platform, field.name, values[field.name])
        if problem is not None:
            raise SecretError(f"cannot use the {field.label}: {problem}")
    return Secrets(values)


def _confirmed_by_count(count: int) -> bool:
    """At a terminal the operator confirms what is listed by typing how many there are."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    say(
        f"Compare them with the servers' consoles. Type {count} to trust all of these, anything else to stop:"
    )
    return sys.stdin.readline().strip() == str(count)


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
    for each in new:
        say(f"  {each.endpoint.server} ({each.endpoint.plane}) shows {each.fingerprint} ({each.algorithm})")
    if _confirmed_by_count(len(new)):
        service.trust(new)
        return
    raise TrustError(
        f"cannot trust {len(new)} host key(s) or certificate(s) that nobody confirmed",
        fix="compare them, then put them into the spec as `fingerprint`/`fingerprints`, or into a known-hosts file,"
        " or confirm them in the wizard",
    )
