"""Trust: what is new, what could not be reached, the machine in between."""

from __future__ import annotations

import pytest

from core.secrets import Secrets
from tests.tui.conftest import at, press, text_of, told, until
from tests.tui.fakes import SECRETS, SPEC, FakeService
from tests.tui.ways import SIZE, to_step
from tui.answers import Answers
from tui.app import PoolwrightApp
from tui.session import Session


@pytest.fixture
def session(service: FakeService) -> Session:
    return Session(service, Answers(SPEC), Secrets(SECRETS))


@pytest.mark.asyncio
async def test_what_could_not_be_reached_is_passed_over_and_not_confirmed(
    session: Session, service: FakeService
) -> None:
    service.unreachable.add("203.0.113.12")
    await session.look_at_identities()
    session.confirm_identities()
    draft = session.draft()
    assert draft is not None
    assert session.is_trusted()  # one dead server does not stop the rest
    assert session.trust.passed_over(draft) == 2
    assert ("203.0.113.12", "ssh") not in service.pins
    await session.check()
    assert session.is_trusted()  # it is still dead
    assert {server for server, _plane in service.logins} == {"203.0.113.11", "203.0.113.13"}


@pytest.mark.asyncio
async def test_a_server_that_answers_again_is_asked_for_its_identity(
    session: Session, service: FakeService
) -> None:
    service.unreachable.add("203.0.113.12")
    await session.look_at_identities()
    session.confirm_identities()
    service.unreachable.clear()
    await session.check()
    assert not session.is_trusted()
    await session.look_at_identities()
    assert {each.endpoint.server for each in session.trust.of("new")} == {"203.0.113.12"}
    session.confirm_identities()
    draft = session.draft()
    assert draft is not None
    assert (session.is_trusted(), session.trust.passed_over(draft)) == (True, 0)


@pytest.mark.asyncio
async def test_a_jump_host_that_does_not_answer_is_not_confirmed(
    ready_app: PoolwrightApp, service: FakeService
) -> None:
    service.unreachable.add("203.0.113.1")
    async with ready_app.run_test(size=SIZE) as pilot:
        await to_step(pilot, "ConnectScreen")
        ready_app.session.answers.set("jump", "yes")
        ready_app.session.answers.set("jump.host", "203.0.113.1")
        await press(pilot, "f8")
        await at(pilot, "TrustScreen")
        await until(
            pilot, lambda: "the jump host could not be reached" in text_of(ready_app), "what was seen"
        )
        await press(pilot, "enter")
        await until(pilot, lambda: "no answer within 10 s" in told(ready_app), "why")
        assert type(ready_app.screen).__name__ == "TrustScreen"
        assert "confirmed" not in told(ready_app)
        assert ("203.0.113.1", "jump") not in service.pins
        service.unreachable.clear()
        await press(pilot, "f5")
        await until(pilot, lambda: "1 new: the jump host first" in text_of(ready_app), "it answers")
