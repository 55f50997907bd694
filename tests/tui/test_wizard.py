"""The order, and when each step may be left."""

from __future__ import annotations

import pytest

from core.errors import SpecProblem
from core.models.results import Verdict
from core.secrets import Secrets
from tests.tui.fakes import SECRETS, SPEC, FakeService
from tui import wizard
from tui.answers import Answers
from tui.session import Session


def test_forwards_and_backwards_is_the_same_way() -> None:
    assert wizard.IDS == ("connect", "pool", "servers", "storage", "compatibility", "review", "run", "done")
    for first, second in zip(wizard.IDS, wizard.IDS[1:], strict=False):
        assert wizard.after(first) == second
    assert wizard.after("done") is None
    assert [wizard.before(each) for each in wizard.IDS] == [
        None, "connect", "pool", "servers", "storage", "compatibility", None, None,
    ]  # fmt: skip


def test_every_form_of_the_platform_has_its_step(service: FakeService) -> None:
    named = {section for step in wizard.STEPS for section in step.sections}
    assert set(Session(service).sections) == named


def test_an_empty_wizard_says_what_is_missing(service: FakeService) -> None:
    session = Session(service)
    assert "manager.host: is required" in wizard.missing("connect", session)
    assert any("Agent password" in each for each in wizard.missing("connect", session))
    assert wizard.missing("pool", session)
    assert wizard.missing("servers", session) == ("name at least one server",)
    assert wizard.missing("review", session)


def test_movement_is_free_until_a_run_is_started(service: FakeService) -> None:
    session = Session(service)
    assert [each for each in wizard.IDS if wizard.is_open(each, session)] == list(wizard.IDS[:6])
    session.run = "260301-020000-00"
    assert [each for each in wizard.IDS if wizard.is_open(each, session)] == ["run"]
    assert wizard.missing("run", session)
    session.run_has_ended = True
    assert [each for each in wizard.IDS if wizard.is_open(each, session)] == ["run", "done"]
    assert not wizard.missing("run", session)


@pytest.mark.asyncio
async def test_the_review_opens_only_with_fresh_good_results(service: FakeService) -> None:
    session = Session(service, Answers(SPEC), Secrets(SECRETS))
    assert not wizard.missing("connect", session)
    assert not wizard.missing("pool", session)
    assert not wizard.missing("storage", session)
    assert "not confirmed" in wizard.missing("servers", session)[0]
    await session.look_at_identities()
    session.confirm_identities()
    assert not wizard.missing("servers", session)
    assert wizard.missing("review", session)
    service.bad["203.0.113.11", "server.owner.free"] = (Verdict.FAIL, "owned", "release it")
    await session.check()
    assert "server.owner.free" in wizard.missing("review", session)[0]
    service.bad["203.0.113.11", "server.owner.free"] = (Verdict.UNKNOWN, "not seen", "look")
    await session.check()
    assert "typing its id" in wizard.missing("review", session)[0]
    assert not session.accept("server.clock.close")
    assert session.accept("r003")
    assert not wizard.missing("review", session)
    session.answers.set("pool.timeout_s", "7")
    assert "R044" in wizard.missing("review", session)[0]
    assert "R044" in wizard.missing("storage", session)[0]
    assert not wizard.missing("pool", session)


def test_a_problem_belongs_to_the_nearest_input() -> None:
    paths = {"pool.name", "pool.file_system", "pool.file_system.export"}
    assert wizard.owner("pool.name", paths) == "pool.name"
    assert wizard.owner("pool.file_system.wwid", paths) == "pool.file_system"
    assert wizard.owner("manager", paths) == ""
    assert (
        wizard.say(SpecProblem("pool.name", "is bad", "write it better", "R095"))
        == "pool.name: is bad; write it better [R095]"
    )
