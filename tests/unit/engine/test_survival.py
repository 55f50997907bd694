"""Which way survives a logout, from what was seen; and what logind is asked."""

from __future__ import annotations

import pytest

from core.runner.survival import Situation, Way, detect, judge, kills

SESSION = "/user.slice/user-1000.slice/session-3.scope"
USER_UNIT = "/user.slice/user-1000.slice/user@1000.service/app.slice/x.scope"


@pytest.mark.parametrize(
    ("seen", "way", "survives", "words"),
    [
        (Situation(), Way.DETACHED, True, ()),
        (Situation(cgroup="/system.slice/ssh.service", kills_user_processes=True), Way.DETACHED, True, ()),
        (Situation(cgroup=SESSION), Way.DETACHED, True, ()),
        (
            Situation(cgroup=SESSION, kills_user_processes=True, lingers=True, has_systemd_run=True),
            Way.SCOPE,
            True,
            (),
        ),
        (
            Situation(
                cgroup=SESSION,
                kills_user_processes=True,
                lingers=False,
                has_systemd_run=True,
                multiplexer="tmux",
                user="ann",
            ),
            Way.DETACHED,
            False,
            ("tmux included", "loginctl enable-linger ann", "resumed"),
        ),
        (
            Situation(cgroup=SESSION, kills_user_processes=True, lingers=True, has_systemd_run=False),
            Way.DETACHED,
            False,
            ("systemd-run does not work",),
        ),
        (
            Situation(cgroup=SESSION, kills_user_processes=None, user="ann"),
            Way.DETACHED,
            None,
            ("enable-linger ann",),
        ),
        (Situation(cgroup=USER_UNIT, lingers=True), Way.DETACHED, True, ()),
        (Situation(cgroup=USER_UNIT, lingers=False), Way.DETACHED, False, ("last logout",)),
        (Situation(state_fs="tmpfs"), Way.DETACHED, True, ("reboot loses the journal",)),
    ],
)
def test_the_way_that_survives(
    seen: Situation, way: Way, survives: bool | None, words: tuple[str, ...]
) -> None:
    found = judge(seen)
    assert (found.way, found.survives) == (way, survives)
    told = " ".join(found.warnings)
    assert all(word in told for word in words)
    assert bool(found.warnings) == bool(words)
    assert found.text


@pytest.mark.parametrize(
    ("manager", "user", "verdict"),
    [
        ("KillUserProcesses=no\nKillExcludeUsers=root", "ann", False),
        ("KillUserProcesses=yes\nKillExcludeUsers=root", "ann", True),
        ("KillUserProcesses=yes\nKillExcludeUsers=root ann", "ann", False),
        ("KillUserProcesses=yes\nKillOnlyUsers=bob", "ann", False),
        ("KillUserProcesses=yes\nKillOnlyUsers=bob ann", "ann", True),
        ("KillUserProcesses=yes", "root", False),
        ("nonsense", "ann", None),
    ],
)
def test_whom_logind_kills(manager: str, user: str, verdict: bool | None) -> None:
    assert kills(manager, user) is verdict


def test_logind_s_files_answer_where_it_does_not() -> None:
    assert kills("", "ann", {"KillUserProcesses": "yes"}) is True


def test_this_very_machine_can_be_judged() -> None:
    assert detect("ext4").text
