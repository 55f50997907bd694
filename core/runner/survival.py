"""Does a runner outlive this session? Looks at logind, lingering, systemd-run, tmux and screen, and says so plainly.

What kills: with KillUserProcesses=yes logind ends everything in a session's scope when the session ends, detached or
not, tmux included (logind.conf(5)); and the user's own manager ends at the last logout unless the user lingers
(loginctl(1)), and with it every scope that it holds.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

_ASK_S = 3.0
_VOLATILE = frozenset({"tmpfs", "ramfs"})


class Way(StrEnum):
    """How the runner is started."""

    DETACHED = "detached"  # own session, no parent, no terminal
    SCOPE = "scope"  # the same, in a scope of the user's manager, outside the session's


@dataclass(frozen=True, slots=True)
class Situation:
    """What was seen of this session. None means it could not be found out."""

    cgroup: str = ""  # of this process, unified or systemd hierarchy
    kills_user_processes: bool | None = False  # for this user, exclusions applied
    lingers: bool | None = None
    has_systemd_run: bool = False  # and the user's manager answers
    multiplexer: str = ""  # tmux, screen or nothing
    state_fs: str = ""  # file system type of the state folder
    user: str = ""


@dataclass(frozen=True, slots=True)
class Survival:
    """The way that is used, whether it survives a logout (None: not certain), and what the operator should know."""

    way: Way
    survives: bool | None
    text: str
    warnings: tuple[str, ...] = ()


def words(way: Way, argv: Sequence[str]) -> list[str]:
    """What starts a program in that way; it leaves its parent and session by itself."""
    scope = ["systemd-run", "--user", "--scope", "--quiet", "--collect", "--"] if way is Way.SCOPE else []
    return [*scope, *argv]


def judge(seen: Situation) -> Survival:
    """Pick the way that survives; pure."""
    found = _judge_logout(seen)
    if seen.state_fs in _VOLATILE:
        memory = f"the state folder is on {seen.state_fs}: a reboot loses the journal; choose another by --state-dir"
        found = Survival(found.way, found.survives, found.text, (*found.warnings, memory))
    return found


def _judge_logout(seen: Situation) -> Survival:
    linger = f"ask root for: loginctl enable-linger {seen.user}".rstrip()
    if re.search(r"/user@\d+\.service/", seen.cgroup + "/"):
        if seen.lingers:
            return Survival(
                Way.DETACHED, True, "under your own service manager, which stays after logout (linger)"
            )
        warning = f"your service manager ends at your last logout and would end this run with it; {linger}"
        return Survival(Way.DETACHED, False, "under your own service manager, without linger", (warning,))
    if not re.search(r"/session-[^/]+\.scope(/|$)", seen.cgroup):
        return Survival(Way.DETACHED, True, "detached; no login session holds it")
    if seen.kills_user_processes is False:
        return Survival(Way.DETACHED, True, "detached; logind leaves processes alone after logout")
    if seen.has_systemd_run and seen.lingers:
        return Survival(
            Way.SCOPE, True, "in a scope of your own service manager, which stays after logout (linger)"
        )
    tmux = f", {seen.multiplexer} included" if seen.multiplexer else ""
    if seen.kills_user_processes is None:
        warning = f"cannot find out whether logind ends processes at logout; stay logged in, or {linger}"
        return Survival(Way.DETACHED, None, "detached", (warning,))
    missing = "systemd-run does not work here" if not seen.has_systemd_run else "you do not linger"
    warning = (
        f"logind ends all your processes at logout{tmux} (KillUserProcesses=yes) and {missing}: "
        f"stay logged in until the run has ended, or {linger}; an interrupted run can be resumed"
    )
    return Survival(Way.DETACHED, False, "detached, but it will not outlive this session", (warning,))


def look(state_fs: str = "", environ: Mapping[str, str] | None = None) -> Situation:
    """Look at this process's session. Blocking, a few short commands; never raises."""
    environ = os.environ if environ is None else environ
    user = _user()
    has_systemd = Path("/run/systemd/system").is_dir()
    multiplexer = "tmux" if environ.get("TMUX") else "screen" if environ.get("STY") else ""
    if not has_systemd:
        return Situation(cgroup="", multiplexer=multiplexer, state_fs=state_fs, user=user)
    return Situation(
        cgroup=_cgroup(),
        kills_user_processes=kills(_ask("loginctl", "show-session"), user, _config_says()),
        lingers=Path("/var/lib/systemd/linger", user).exists(),
        has_systemd_run=_has_systemd_run(),
        multiplexer=multiplexer,
        state_fs=state_fs,
        user=user,
    )


def detect(state_fs: str = "") -> Survival:
    """Look and judge."""
    return judge(look(state_fs))


def kills(manager: str, user: str, config: Mapping[str, str] | None = None) -> bool | None:
    """Does logind kill this user's processes, from the properties of its manager or its files? None: nobody says.

    `manager` is what `loginctl show-session` without an argument prints (loginctl(1)).
    """
    said = dict(line.split("=", 1) for line in manager.splitlines() if "=" in line) or dict(config or {})
    word = said.get("KillUserProcesses", "").lower()
    if word not in ("yes", "no", "true", "false", "1", "0"):
        return None
    if word in ("no", "false", "0"):
        return False
    excluded, only = said.get("KillExcludeUsers", "root").split(), said.get("KillOnlyUsers", "").split()
    if user in excluded:
        return False
    return not only or user in only


def _config_says() -> dict[str, str]:
    """The same settings from logind's files, later ones win; the built-in default differs between distributions."""
    said: dict[str, str] = {}
    places = [Path("/usr/lib/systemd/logind.conf"), Path("/etc/systemd/logind.conf")]
    for folder in ("/usr/lib", "/run", "/etc"):
        places += sorted(Path(folder, "systemd/logind.conf.d").glob("*.conf"))
    for place in places:
        try:
            lines = place.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue
        for line in map(str.strip, lines):
            name, _, value = line.partition("=")
            if name.startswith("Kill"):
                said[name] = value
    return said


def _has_systemd_run() -> bool:
    return shutil.which("systemd-run") is not None and _ask("systemctl", "--user", "is-system-running") in (
        "running",
        "degraded",
        "starting",
    )


def _ask(*argv: str) -> str:
    """Output of a short local command, empty when it cannot be had."""
    try:
        done = subprocess.run(  # noqa: S603 - fixed words
            argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=_ASK_S, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("utf-8", "replace").strip()


def _cgroup() -> str:
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    chosen = [line.split(":", 2)[2] for line in lines if line.startswith("0::") or ":name=systemd:" in line]
    return next((path for path in chosen if path != "/"), "/")


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
