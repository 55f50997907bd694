"""The pure parts: how far an edit reaches, times of a run, pictures of fingerprints, two runs compared."""

from __future__ import annotations

import base64
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.models.events import EventKind, Outcome, Residue, RunEvent, RunState, StepState, Verified
from core.platforms.oracle_vm.spec import PoolSpec
from core.service import RunView, StepView
from tests.tui.fakes import NOW, SPEC
from tui.compare import compare
from tui.randomart import randomart, title_of
from tui.reach import EVERYTHING, NOTHING_NEW, reach_of
from tui.timing import StepClock, words

SAFE = ("pool.name", "pool.file_system.server", "pool.timeout_s")


def spec(**changes: object) -> PoolSpec:
    return PoolSpec.model_validate({**SPEC, **changes})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, NOTHING_NEW),
        ({"servers": SPEC["servers"][:1]}, NOTHING_NEW),
        ({"servers": list(reversed(SPEC["servers"]))}, NOTHING_NEW),
        ({"servers": [*SPEC["servers"], {"address": "203.0.113.99"}]}, EVERYTHING),
        ({"servers": [{"address": "203.0.113.11", "connect": {"ssh": "h:1"}}]}, EVERYTHING),
        ({"accept": ["R028"]}, NOTHING_NEW),
        ({"manager": {"host": "203.0.113.251"}}, EVERYTHING),
        ({"ssh": {"user": "admin"}}, EVERYTHING),
    ],
)
def test_how_far_an_edit_reaches(changes: dict[str, object], expected: object) -> None:
    assert reach_of(spec(), spec(**changes), SAFE) == expected


def test_an_edit_of_the_pool_reaches_what_it_touches() -> None:
    pool = {**SPEC["pool"], "timeout_s": 90}
    assert reach_of(spec(), spec(pool=pool), SAFE).touched == ("pool.timeout_s",)
    assert reach_of(spec(), spec(pool={**pool, "file_system": None}), SAFE).touched == (
        "pool.timeout_s",
        "pool.file_system",
    )
    mixed = spec(pool=pool, manager={"host": "203.0.113.251"})
    assert reach_of(spec(), mixed, SAFE) == EVERYTHING


def event(seq: int, second: float, step: str, state: str) -> RunEvent:
    at = NOW + timedelta(seconds=second)
    return RunEvent(run="r", seq=seq, at=at, kind=EventKind.STEP_STATE, step=step, state=state)


def steps(*states: str) -> list[StepView]:
    return [StepView(f"own:s{n}", "own", f"s{n}", StepState(state)) for n, state in enumerate(states)]


def test_what_is_left_follows_from_what_was_measured() -> None:
    clock = StepClock()
    assert clock.remaining_s(steps("waiting"), NOW) is None
    assert clock.elapsed_s(NOW) == 0
    clock.apply(event(1, 0, "own:s0", "doing"))
    clock.apply(event(2, 10, "own:s0", "done"))
    clock.apply(event(3, 10, "own:s1", "doing"))
    now = NOW + timedelta(seconds=14)
    assert clock.elapsed_s(now) == 14
    assert clock.remaining_s(steps("done", "doing", "waiting"), now) == pytest.approx(16)
    assert clock.remaining_s(steps("done", "done", "done"), now) == 0
    assert clock.elapsed_s(NOW - timedelta(days=1)) == 0  # a clock that went back


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.sampled_from(list(StepState))), max_size=12))
def test_no_order_of_events_gives_a_negative_time(given_events: list[tuple[float, StepState]]) -> None:
    clock = StepClock()
    for seq, (second, state) in enumerate(given_events, 1):
        clock.apply(event(seq, second, f"own:s{seq % 3}", state.value))
    left = clock.remaining_s(steps("waiting", "doing", "done"), NOW)
    assert left is None or left >= 0


@pytest.mark.parametrize(("seconds", "text"), [(4, "4 s"), (200, "3:20 min"), (3900, "1:05 h")])
def test_times_in_words(seconds: float, text: str) -> None:
    assert words(seconds) == text


def test_a_picture_has_eleven_lines_of_nineteen() -> None:
    art = randomart("SHA256:" + base64.b64encode(bytes(range(32))).decode().rstrip("="), "ED25519 256")
    assert len(art) == 11
    assert {len(line) for line in art} == {19}
    assert randomart("SHA256:not base64!", "x") == ()


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs ssh-keygen")
@pytest.mark.parametrize(
    ("kind", "bits"), [("ssh-ed25519", 0), ("ecdsa-sha2-nistp256", 0), ("ssh-rsa", 2048)]
)
def test_the_picture_is_openssh_s(tmp_path: Path, kind: str, bits: int) -> None:
    key = asyncssh.generate_private_key(kind, key_size=bits) if bits else asyncssh.generate_private_key(kind)
    path = tmp_path / "key.pub"
    path.write_bytes(key.export_public_key())
    shown = subprocess.run(
        ["ssh-keygen", "-lv", "-f", path], capture_output=True, text=True, check=True
    ).stdout
    fingerprint = shown.split()[1]
    assert list(randomart(fingerprint, title_of(kind, bits))) == shown.splitlines()[1:12]


def view(run: str, outcome: Outcome, **more: object) -> RunView:
    made: dict[str, object] = {"started_at": "2026-03-01T02:00:00", **more}
    return RunView(run, "pool1", "oracle_vm", RunState.DONE, outcome, **made)  # type: ignore[arg-type]


def test_two_runs_show_only_what_differs() -> None:
    one = view("a", Outcome.CREATED, steps=tuple(steps("done", "done")))
    other = view(
        "b",
        Outcome.NEEDS_HUMAN,
        steps=tuple(steps("done", "failed")),
        verification=(Verified(id="v", title="VIP answers", holds=None, detail="no reply"),),
        residue=(Residue(id="fs", what="pool file system", where="/export/pool1"),),
    )
    text = "\n".join(compare(one, other, spec(), spec(servers=SPEC["servers"][:1])))
    for part in (
        "outcome",
        "B: needs_human",
        "step own:s1",
        "VIP answers",
        "/export/pool1",
        "B: 203.0.113.11\n",
    ):
        assert part in text + "\n"
    assert "own:s0" not in text
    assert compare(one, one)[-1] == "nothing differs"
