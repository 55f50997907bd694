"""Every error poolwright raises on purpose, in one tree.

PoolwrightError
├── Interrupted          Ctrl-C, before a run began (exit 130)
├── InputError           the operator's input cannot be used (exit 2)
│   └── SpecError, UsageError, SettingsError, PlanFileError   by what is wrong
├── SecretError          a secret is missing or cannot be sent safely (exit 2)
├── OwnLimit             no file handle is left on this machine; nobody was judged (exit 2)
├── TrustError           a host key or certificate is unknown (exit 1)
│   └── IdentityChanged  a pinned host key or certificate is another one now
├── TransportError       one conversation with one server failed (exit 1)
│   ├── ConnectFailed, LoginRefused, OldCryptoNeeded
│   ├── CommandTimeout, CommandFailed, ReplyLost
│   └── BadReply         what came back cannot be read
├── StepError            a step of a plan failed (exit 1)
├── DriftError           the world is not as it was when the plan was made (exit 1)
├── PlanError            a plan file is not what its spec and the servers make (exit 2)
├── ApprovalError        nobody else approved the plan, or it was not this one (exit 1)
├── JournalError         the journal cannot be used; nothing was touched (exit 2)
├── InternalError        a bug, or a machine that gives nothing any more (exit 70)
├── RunnerError          the detached runner cannot be started or reached (exit 1)
│   ├── ControlledElsewhere, CannotNow, AttachRefused   it was reached, and says no
├── EndNotSeen           a run began, and how it ended could not be seen (exit 3)
└── LabError             the simulated fleet cannot be built (exit 2)

Attributes come first, the message is made from them, so that screen, journal and report say the same.
Wording: "cannot X: why", lowercase, then what to do. No secret ever enters an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import ClassVar, Self

from typing_extensions import override

from core.text import visible


class ExitCode(IntEnum):
    """How a program of ours ends; `meaning` says it in one sentence. docs/exit-codes.md is made from this."""

    meaning: str

    DONE = 0, "Done."
    REFUSED = (
        1,
        "Refused because of what was found, or not confirmed by you; or the run failed and was rolled back.",
    )
    BAD_INPUT = 2, "The command line, a file or the environment cannot be used. Nothing was changed."
    NEEDS_ATTENTION = 3, "The run ended and you must act, or its end was not seen."
    INTERNAL = 70, "A bug in poolwright, or nothing can be written any more."  # EX_SOFTWARE, sysexits.h
    INTERRUPTED = 130, "Interrupted with Ctrl-C. A run that had started continues."  # 128 + SIGINT
    PIPE = 141, "The reader of the output went away."  # 128 + SIGPIPE

    def __new__(cls, value: int, meaning: str = "") -> Self:
        """A number that knows what it means."""
        code = int.__new__(cls, value)
        code._value_ = value
        code.meaning = meaning
        return code


class PoolwrightError(Exception):
    """Base of the tree: a stable code, a title for people and the exit code it leads to."""

    code: ClassVar[str] = "PW000"
    title: ClassVar[str] = "poolwright cannot go on"
    exit_code: ClassVar[ExitCode] = ExitCode.REFUSED

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix

    @override
    def __str__(self) -> str:
        return f"{self.message}; {self.fix}" if self.fix else self.message


@dataclass(frozen=True, slots=True)
class SpecProblem:
    """One thing wrong in the operator's input: where (file, line and column from 1, 0 = unknown), what, what to do."""

    field: str
    message: str
    fix: str = ""
    rule: str = ""
    file: str = ""
    line: int = 0
    column: int = 0

    @override
    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}: " if self.file else ""
        rule = f" [{self.rule}]" if self.rule else ""
        fix = f"; {self.fix}" if self.fix else ""
        return f"{where}{self.field}: {self.message}{fix}{rule}"


class Interrupted(PoolwrightError):
    """Ctrl-C ended a command; leaving a run that continues is no error.

    `continues` is False when no run of it began, None when that cannot be told.
    """

    code = "PW141"
    title = "interrupted"
    exit_code = ExitCode.INTERRUPTED

    def __init__(self, *, continues: bool | None = False) -> None:
        self.continues = continues
        if continues is None:
            super().__init__(
                "interrupted with Ctrl-C while a run was being started; it may have begun",
                fix="look at `poolwright runs`",
            )
        else:
            super().__init__("interrupted with Ctrl-C; nothing was started that continues")


class InputError(PoolwrightError):
    """What the operator gave cannot be used; carries every problem at once, in file order."""

    code = "PW104"
    title = "the input is not usable"
    exit_code = ExitCode.BAD_INPUT

    problems: tuple[SpecProblem, ...] = ()

    def __init__(self, problems: Sequence[SpecProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class SpecError(InputError):
    """The spec cannot be used."""

    code = "PW100"
    title = "the pool description is not usable"


class UsageError(InputError):
    """Options or arguments that do not fit together or name nothing; the files they name may be fine."""

    code = "PW101"
    title = "the command line is not usable"


class SettingsError(InputError):
    """The operator's own settings, from settings.toml, the environment or the flags that stand for them."""

    code = "PW102"
    title = "the settings are not usable"


class PlanFileError(InputError):
    """A file given as a plan is none, was damaged or changed, or is the plan of something else."""

    code = "PW103"
    title = "the plan file is not usable"


class SecretError(PoolwrightError):
    """A password is missing, or has a character that the command line of the platform would not carry safely."""

    code = "PW110"
    title = "a secret is missing or unusable"
    exit_code = ExitCode.BAD_INPUT


class OwnLimit(PoolwrightError):
    """This machine could open nothing more during a look, so that no server is judged by it."""

    code = "PW115"
    title = "this machine's own limit is reached"
    exit_code = ExitCode.BAD_INPUT


class TrustError(PoolwrightError):
    """An identity (host key, certificate) has not been confirmed by the operator."""

    code = "PW200"
    title = "an identity is not trusted yet"


class IdentityChanged(TrustError):
    """A pinned identity is another one now: everything stops, nothing secret was sent."""

    code = "PW201"
    title = "an identity has changed"

    def __init__(self, server: str, plane: str, pinned: str, seen: str) -> None:
        self.server, self.plane, self.pinned, self.seen = server, plane, pinned, seen
        super().__init__(
            f"cannot trust {server} ({plane}): pinned {pinned}, but it shows {seen}",
            fix="find out why it changed; only then remove the old pin",
        )


class TransportError(PoolwrightError):
    """One conversation with one server failed."""

    code = "PW300"
    title = "a server could not be spoken to"

    def __init__(self, server: str, plane: str, message: str, *, fix: str = "") -> None:
        self.server, self.plane = server, plane
        super().__init__(message, fix=fix)


class ConnectTrouble(StrEnum):
    """What was seen of a connection that did not come about; each has its own remedy."""

    NO_NAME = "no_name"  # its name cannot be resolved
    NOBODY_LISTENS = "nobody_listens"  # the host answered: nothing listens on that port
    NO_ANSWER = "no_answer"  # packets vanish: a firewall drops them, the host is off, or the address is wrong
    NO_ROUTE = "no_route"  # no way there, or a firewall rejects
    HUNG_UP = "hung_up"  # somebody answered and closed the connection
    SILENT = "silent"  # the port is open and says nothing
    NO_TLS = "no_tls"  # something else than TLS is spoken where TLS is expected
    HANDSHAKE = "handshake"  # TLS or SSH was spoken, and no session came about
    OWN_LIMIT = "own_limit"  # this machine could not even try: no file handle is left
    OTHER = "other"


class ConnectFailed(TransportError):
    """TCP, the handshake of TLS or SSH, or the name lookup failed; `trouble` says which."""

    code = "PW301"
    title = "cannot connect"

    def __init__(
        self,
        server: str,
        plane: str,
        message: str,
        *,
        fix: str = "",
        trouble: ConnectTrouble = ConnectTrouble.OTHER,
    ) -> None:
        self.trouble = trouble
        super().__init__(server, plane, message, fix=fix)


class OldCryptoNeeded(ConnectFailed):
    """The server offers only algorithms that are refused by default; `needs` names them.

    `tls_version` is the version of TLS that was agreed with it (TLSv1, TLSv1.1, ...), "" over SSH.
    """

    code = "PW302"
    title = "only old cryptography is offered"

    def __init__(self, server: str, plane: str, needs: str, *, fix: str, tls_version: str = "") -> None:
        self.needs, self.tls_version = needs, tls_version
        super().__init__(
            server, plane, f"cannot connect to {server} ({plane}): it offers only {needs}", fix=fix
        )


class LoginRefused(TransportError):
    """The server answered and refused the login. Never tried again with the same secret in one run."""

    code = "PW303"
    title = "login refused"


class CommandTimeout(TransportError):
    """A command or call did not end within its limit (seconds); it may still run over there."""

    code = "PW304"
    title = "no answer in time"

    def __init__(self, server: str, plane: str, command: str, limit_s: float) -> None:
        self.command, self.limit_s = command, limit_s
        super().__init__(
            server, plane, f"cannot finish `{command}` on {server} ({plane}): no answer within {limit_s:g} s"
        )


class CommandFailed(TransportError):
    """A command ended and said no; `text` is its own words, made inert."""

    code = "PW305"
    title = "a command failed"

    def __init__(
        self,
        server: str,
        plane: str,
        command: str,
        text: str,
        status: int | None = None,
        *,
        codes: Sequence[str] = (),
        reason: str = "",
    ) -> None:
        self.command, self.text, self.status = command, text, status
        self.codes, self.reason = tuple(codes), reason or text  # error codes, and what matters of the text
        super().__init__(server, plane, f"cannot run `{command}` on {server} ({plane}): {text}")


class ReplyLost(TransportError):
    """The connection broke around a command; `may_have_run` says whether it may have taken effect over there.

    Read the state back before anything is sent again.
    """

    code = "PW307"
    title = "the connection broke"

    def __init__(self, server: str, plane: str, command: str, why: str, *, may_have_run: bool) -> None:
        self.command, self.why, self.may_have_run = command, why, may_have_run
        after = "it may have run" if may_have_run else "it was not sent"
        super().__init__(
            server, plane, f"cannot tell how `{command}` ended on {server} ({plane}): {why}; {after}"
        )


class BadReply(TransportError):
    """What came back is malformed, too large or not of the expected kind."""

    code = "PW306"
    title = "an unreadable answer"


class StepError(PoolwrightError):
    """A step did not reach its aim."""

    code = "PW400"
    title = "a step failed"

    def __init__(self, step_id: str, message: str, *, fix: str = "") -> None:
        self.step_id = step_id
        super().__init__(message, fix=fix)


class DriftError(PoolwrightError):
    """What a plan was judged on has changed; nothing was touched. `changes` names each item."""

    code = "PW410"
    title = "the plan no longer fits"

    def __init__(self, pool: str, changes: Sequence[str]) -> None:
        self.changes = tuple(map(visible, changes))  # may quote a plan file
        super().__init__(
            f"cannot run the plan for {visible(pool)}: since it was made {len(self.changes)} things have changed: "
            + "; ".join(self.changes),
            fix="check again and make a new plan",
        )


class PlanError(PoolwrightError):
    """A plan that came as a file is not the one that would be made: edited, or of another version. Nothing was touched.

    `differences` names step and difference.
    """

    code = "PW411"
    title = "the plan was changed"
    exit_code = ExitCode.BAD_INPUT

    def __init__(self, pool: str, differences: Sequence[str]) -> None:
        self.differences = tuple(map(visible, differences))  # a plan file's text is hostile
        more = len(self.differences) - 5
        tail = f"; and {more} more" if more > 0 else ""
        super().__init__(
            f"cannot use the plan for {visible(pool)}: {'; '.join(self.differences[:5])}{tail}",
            fix="make it anew with `poolwright plan SPEC --output FILE`, and have that reviewed",
        )


class ApprovalError(PoolwrightError):
    """The plan lacks the approval of a second person."""

    code = "PW420"
    title = "the plan is not approved"


class JournalError(PoolwrightError):
    """The journal cannot be opened, read or written. Raised before anything is touched."""

    code = "PW500"
    title = "the journal is not usable"
    exit_code = ExitCode.BAD_INPUT


class InternalError(PoolwrightError):
    """A bug, or a machine that gives nothing any more; the message names the report that tells all of it."""

    code = "PW900"
    title = "internal error"
    exit_code = ExitCode.INTERNAL


class RunnerError(PoolwrightError):
    """The detached runner cannot be started or reached."""

    code = "PW600"
    title = "the runner cannot be reached"


class ControlledElsewhere(RunnerError):
    """Another front end (`holder`: process and user in words) controls the run; taking it over must be asked for."""

    code = "PW601"
    title = "another front end controls the run"

    def __init__(self, run: str, action: str, holder: str) -> None:
        self.run, self.action, self.holder = run, action, holder
        super().__init__(
            f"cannot {action} run {run}: {holder} controls this run; take it over if that is meant"
        )


class CannotNow(RunnerError):
    """The run is in a state in which the action has no meaning."""

    code = "PW602"
    title = "the run cannot do that now"

    def __init__(self, run: str, action: str, why: str) -> None:
        self.run, self.action, self.why = run, action, why
        super().__init__(f"cannot {action} run {run}: {why}")


class AttachRefused(RunnerError):
    """The runner is there and does not let this process follow or control the run."""

    code = "PW603"
    title = "the runner lets nobody else in"

    def __init__(self, run: str, why: str) -> None:
        self.run, self.why = run, why
        super().__init__(f"cannot attach to run {run}: {why}")


class EndNotSeen(PoolwrightError):
    """A run that had begun could not be followed to its end: servers may have been changed.

    `step` and `command` are the last that were heard of, "" when none was.
    """

    code = "PW610"
    title = "the end of the run was not seen"
    exit_code = ExitCode.NEEDS_ATTENTION

    def __init__(self, run: str, why: str, *, step: str = "", command: str = "", fix: str = "") -> None:
        self.run, self.step, self.command = run, step, command
        heard = [f"step {step}"] if step else []
        heard += [f"`{command}`"] if command else []
        last = f" (last heard of: {', '.join(heard)})" if heard else ""
        look = "look at Manager's jobs" + (" and at what that step works on" if step else "")
        super().__init__(
            f"cannot tell how run {run} ended: {why}; a step may have been under way{last}",
            fix=f"{look}; {fix or f'then `poolwright show {run}`'}",
        )


class LabError(PoolwrightError):
    """The simulated fleet cannot be built from this scenario."""

    code = "PW700"
    title = "the lab cannot start"
    exit_code = ExitCode.BAD_INPUT
