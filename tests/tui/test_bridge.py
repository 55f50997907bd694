"""The bridge folds events: replayed ones change nothing, a break is a text, the end is the journal's word."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from core.errors import RunnerError
from core.models.events import EventKind, Outcome, RunEvent, RunState, StepState
from core.secrets import Secrets
from tests.examples import examples
from tests.tui.fakes import NOW, SECRETS, SPEC, FakeService
from tui.answers import Answers
from tui.bridge import Bridge
from tui.session import Session


def has_ended(bridge: Bridge) -> bool:
    return bridge.ended is not None


async def started(service: FakeService) -> str:
    session = Session(service, Answers(SPEC), Secrets(SECRETS))
    await session.look_at_identities()
    session.confirm_identities()
    await session.check()
    return await session.start()


@pytest.mark.asyncio
async def test_a_run_is_followed_to_its_end(service: FakeService) -> None:
    bridge = Bridge(service, await started(service))
    lines: list[str] = []
    bridge.on_line = lines.append
    bridge.load()
    assert bridge.progress == (0, 4)
    await bridge.follow()
    assert bridge.progress == (4, 4)
    assert bridge.ended is not None
    assert bridge.ended.outcome is Outcome.CREATED
    assert any("OVM> something for create_pool:pool" in line for line in lines)


class Broken(FakeService):
    """The connection to the runner breaks after three events, once."""

    breaks = True

    @override
    async def follow(self, run: str, since: int = 0) -> AsyncIterator[RunEvent]:
        async for event in super().follow(run, since):
            if self.breaks and event.seq > 3:
                self.breaks = False
                raise RunnerError("cannot follow: the connection is gone\x07")
            yield event


@pytest.mark.asyncio
async def test_after_a_break_it_goes_on_where_it_stopped(tmp_path: Path) -> None:
    service = Broken(tmp_path)
    bridge = Bridge(service, await started(service))
    bridge.load()
    await bridge.follow()
    assert "connection is gone" in bridge.error
    assert "\x07" not in bridge.error
    assert not has_ended(bridge)
    before = bridge.logged
    await bridge.follow()
    assert has_ended(bridge)
    assert not bridge.error
    assert bridge.logged > before
    assert len(set(bridge.log)) == len(bridge.log)


EVENTS = st.lists(
    st.builds(
        RunEvent,
        run=st.just("r"),
        seq=st.integers(1, 30),
        at=st.just(NOW),
        kind=st.sampled_from(EventKind),
        step=st.sampled_from(["", "a", "b"]),
        state=st.sampled_from([*StepState, *RunState, "", "never heard of"]),
        text=st.text(max_size=20),
    ),
    max_size=30,
)


@examples(60)
@given(EVENTS)
def test_seeing_events_twice_is_seeing_them_once(events: list[RunEvent]) -> None:
    once, twice = (
        Bridge(FakeService(Path("/nonexistent")), "r"),
        Bridge(FakeService(Path("/nonexistent")), "r"),
    )
    for event in sorted(events, key=lambda each: each.seq):
        once.apply(event)
        twice.apply(event)
        twice.apply(event)
    assert (once.steps, once.state, list(once.log)) == (twice.steps, twice.state, list(twice.log))


def test_the_log_is_bounded() -> None:
    bridge = Bridge(FakeService(Path("/nonexistent")), "r")
    for seq in range(1, 6001):
        bridge.apply(RunEvent(run="r", seq=seq, at=NOW, kind=EventKind.NOTE, text=f"line {seq}"))
    assert len(bridge.log) == 5000
    assert bridge.logged == 6000
