"""Many commands in one channel: a script with unforgeable markers, and its output taken apart again.

The script is one exec request. Line 1 is HEAD; then one line per command, each exactly of the form

    echo <token>:begin:<name>; (<command>) </dev/null 2>&1; echo <token>:end:<name>:$?

The token is random per run, so that no file's content can pass for a marker. A command that may hang gets a limit of
its own over there (`timeout`, or a watchdog where that tool is not there: EL5, old Solaris), so that those after it
still run.
"""

from __future__ import annotations

import re
import secrets
import shlex
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from core.facts.probe import NoAnswer, absent
from core.models.facts import Fact
from core.models.gaps import Gap, GapKind
from core.text import inert
from core.transports.base import CommandSession

# HUP and PIPE are ignored so that a script whose channel is cut still reaches its clean-up lines.
WATCH = (  # the watchdog's command gets a process group of its own where the shell can do that, so that all of it ends
    'if command -v timeout >/dev/null 2>&1; then pw_w() { timeout "$1" sh -c "$2"; }; else '
    'pw_w() { set -m 2>/dev/null; sh -c "$2" & pw_p=$!; set +m; '
    '(sleep "$1"; kill -9 -$pw_p || kill -9 $pw_p) >/dev/null 2>&1 & pw_k=$!; '
    "wait $pw_p 2>/dev/null; pw_s=$?; kill $pw_k 2>/dev/null; return $pw_s; }; fi"
)
HEAD = 'LC_ALL=C; export LC_ALL; PATH="$PATH:/sbin:/usr/sbin:/bin:/usr/bin"; export PATH; trap "" HUP PIPE'


class Section(NamedTuple):
    """What one command of a batch gave: exit status (None: it never ended) and text, both streams mixed."""

    name: str
    command: str
    status: int | None
    text: str
    observed_at: datetime | None = None
    limit_s: int | None = None  # its own limit over there

    @property
    def was_cut(self) -> bool:
        """Whether its own limit ended it: 124 by `timeout`, 137 by the watchdog."""
        return self.limit_s is not None and self.status in (124, 137)

    @property
    def worked(self) -> bool:
        return self.status == 0

    @property
    def source(self) -> str:
        """The words a Fact carries."""
        return f"ssh {self.command}"

    @property
    def why_not(self) -> str:
        """Why there is no result, in words for the operator."""
        if self.status is None:
            return f"`{self.command}` did not end"
        if self.was_cut:
            return f"`{self.command}` did not end within {self.limit_s} s"
        if self.status in (126, 127):
            return f"`{self.command.split()[0]}` is not there"
        said = (
            inert(self.text.strip().splitlines()[-1], 200)
            if self.text.strip()
            else f"exit status {self.status}"
        )
        return f"`{self.command}` failed: {said}"

    @property
    def kind(self) -> GapKind:
        """Why there is no result, as data."""
        has_ended = self.status is not None and not self.was_cut
        return GapKind.FAILED if has_ended else GapKind.TIMED_OUT

    def no_answer(self) -> NoAnswer:
        """What a reader raises where this command told nothing."""
        return NoAnswer(self.why_not, self.kind)

    def absent(self, field: str) -> Fact[Any]:
        """A Fact that says why this command told nothing of this field."""
        gap = Gap(kind=self.kind, connection="ssh", source=self.source, text=self.why_not)
        return absent(field, gap, at=self.observed_at)


def new_token() -> str:
    """A marker nobody can guess: 128 random bits, letters and digits only."""
    return f"pw{secrets.token_hex(16)}"


def make_script(commands: Mapping[str, str], token: str, limits: Mapping[str, int] | None = None) -> str:
    """The shell text of a batch; names are letters, digits, `_`, `-`, `.`; commands are one line each.

    `limits`: name -> seconds that command may take over there.
    """
    lines = [HEAD, WATCH] if limits else [HEAD]
    for name, command in commands.items():
        if not re.fullmatch(r"[A-Za-z0-9_.-]+", name) or "\n" in command or "\0" in command:
            raise ValueError(f"not usable in a batch: {name}")
        if limits and name in limits:
            command = f"pw_w {int(limits[name])} {shlex.quote(command)}"
        lines.append(f"echo {token}:begin:{name}; ({command}) </dev/null 2>&1; echo {token}:end:{name}:$?")
    return "\n".join(lines)


def split_output(
    commands: Mapping[str, str],
    token: str,
    output: str,
    observed_at: datetime | None = None,
    limits: Mapping[str, int] | None = None,
) -> dict[str, Section]:
    """One Section per command; one whose markers are missing has status None. Never raises."""
    sections: dict[str, Section] = {}
    output = output.replace("\r\n", "\n")
    for name, command in commands.items():
        begin, end = f"{token}:begin:{name}\n", f"{token}:end:{name}:"
        text, status = "", None
        _, found, rest = output.partition(begin)
        if found:
            text, ended, tail = rest.partition(end)
            code = re.match(r"\d{1,3}", tail) if ended else None
            if code:
                status = int(code.group())
            else:
                text = text.split(f"{token}:", 1)[0]
        sections[name] = Section(name, command, status, text, observed_at, (limits or {}).get(name))
    return sections


async def run_batch(
    session: CommandSession,
    commands: Mapping[str, str],
    *,
    limit_s: float,
    limits: Mapping[str, int] | None = None,
) -> dict[str, Section]:
    """Run the commands in one channel within limit_s seconds; raises the session's TransportErrors.

    `limits` are those of single commands, kept over there.
    """
    token = new_token()
    done = await session.run(make_script(commands, token, limits), limit_s=limit_s)
    return split_output(commands, token, done.stdout, datetime.now(UTC), limits)
