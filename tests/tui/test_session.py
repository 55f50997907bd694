"""The session without any screen: trust before secrets, one server first, results that belong to their answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from typing_extensions import override

from core.errors import ConnectFailed, IdentityChanged, PoolwrightError
from core.models.results import Verdict
from core.models.spec import BaseSpec
from core.platforms.base import SecretField
from core.secrets import Secrets
from core.service import Checked, OnResult, OnServer
from tests.tui.fakes import SECRETS, SPEC, FakeService
from tui.answers import Answers
from tui.reach import EVERYTHING
from tui.session import Activity, Session


@pytest.fixture
def session(service: FakeService) -> Session:
    return Session(service, Answers(SPEC), Secrets(SECRETS))


def fresh(session: Session) -> bool:
    return session.is_fresh


async def trusted(session: Session) -> Session:
    await session.look_at_identities()
    session.confirm_identities()
    return session


@pytest.mark.asyncio
async def test_no_secret_is_sent_before_identities_are_confirmed(
    session: Session, service: FakeService
) -> None:
    await session.check()
    assert not service.logins
    assert "not confirmed" in session.error
    await trusted(session)
    await session.check()
    assert fresh(session)
    assert len({server for server, _plane in service.logins}) == 3


@pytest.mark.asyncio
async def test_a_new_server_must_be_trusted_first(session: Session, service: FakeService) -> None:
    await trusted(session)
    session.answers.set_servers([*session.answers.servers, "203.0.113.14"])
    assert not session.is_trusted()
    assert session.why_no_check()


@pytest.mark.asyncio
async def test_a_changed_identity_pins_nothing(session: Session, service: FakeService) -> None:
    service.changed.add("203.0.113.12")
    await session.look_at_identities()
    with pytest.raises(IdentityChanged):
        session.confirm_identities()
    assert not service.pins
    assert not session.is_trusted()


@pytest.mark.asyncio
@pytest.mark.parametrize("plane", ["agent", "ssh"])
async def test_a_refusal_stops_after_one_server(session: Session, service: FakeService, plane: str) -> None:
    service.password[plane] = "another"
    await trusted(session)
    await session.check()
    await session.check()
    await session.check(session.reach(["203.0.113.13"]))
    assert [server for server, name in service.logins if name == plane] == ["203.0.113.11"]
    assert session.refused == {plane}
    assert not fresh(session)
    session.give_secret(plane, "another")
    await session.check()
    assert fresh(session)
    assert not session.refused


@pytest.mark.asyncio
async def test_the_controller_s_refusal_stops_too(session: Session, service: FakeService) -> None:
    service.password["manager"] = "another"
    await trusted(session)
    await session.check()
    assert session.refused == {"manager"}
    assert service.checks_made == 1


@pytest.mark.asyncio
async def test_results_grow_stale_with_the_answers_but_not_with_a_waiver(session: Session) -> None:
    await trusted(session)
    await session.check()
    session.answers.add_waiver(
        {"check": "c", "target": "*", "reason": "because", "who": "me", "until": "2030-01-01"}
    )
    assert fresh(session)
    session.answers.set("pool.timeout_s", "90")
    assert not fresh(session)
    assert session.verdicts() is None
    assert session.plan() is None
    with pytest.raises(PoolwrightError):
        await session.start()


@pytest.mark.asyncio
async def test_one_server_is_looked_at_again_and_the_rest_kept(
    session: Session, service: FakeService
) -> None:
    service.bad["203.0.113.12", "server.owner.free"] = (Verdict.FAIL, "owned", "release it")
    await trusted(session)
    await session.check()
    service.bad.clear()
    seen = len(service.logins)
    await session.check(session.reach(["203.0.113.12"]))
    assert {server for server, _plane in service.logins[seen:]} == {"203.0.113.12"}
    assert set(session.servers) == set(session.answers.servers)
    assert not [each for each in session.findings() if each.verdict is Verdict.FAIL]


@pytest.mark.asyncio
async def test_one_server_alone_is_never_taken_for_the_whole(session: Session, service: FakeService) -> None:
    """What servers say of each other needs all of them: after one was tried alone, all are looked at together."""
    await trusted(session)
    await session.check(session.reach(["203.0.113.12"]))  # nothing is known yet
    assert [only for only, _checks, _touched in service.asked] == [("203.0.113.11",), None]
    assert set(session.servers) == set(session.answers.servers)
    session.answers.set("manager.port", "10001")
    await trusted(session)
    assert session.reach(["203.0.113.12"]) == EVERYTHING  # the others were looked at by older answers


@pytest.mark.asyncio
async def test_an_edit_asks_again_only_what_it_touches(session: Session, service: FakeService) -> None:
    await trusted(session)
    await session.check()
    seen = len(service.logins)
    session.answers.set("pool.description", "for the night")
    await session.check(session.reach_of_edit())
    assert service.asked[-1:] == [(None, (), ("pool.description",))]
    assert fresh(session)
    session.answers.set_servers(session.answers.servers[:2])
    await session.check(session.reach_of_edit())
    assert service.asked[-1:] == [((), (), ())]
    assert list(session.servers) == ["203.0.113.11", "203.0.113.12"]
    assert len(service.logins) == seen
    session.answers.set("ssh.user", "admin")
    assert session.reach_of_edit() == EVERYTHING
    session.answers.set_servers([*session.answers.servers, "203.0.113.14"])
    assert session.reach_of_edit() == EVERYTHING


@pytest.mark.asyncio
async def test_findings_fold_to_causes_and_coverage_is_counted(
    session: Session, service: FakeService
) -> None:
    for name in ("203.0.113.12", "203.0.113.13"):
        service.bad[name, "server.owner.free"] = (Verdict.FAIL, "owned", "release it")
    await trusted(session)
    assert session.causes() == ()
    assert session.coverage() is None
    await session.check()
    (cause,) = session.causes()
    assert cause.targets == ("203.0.113.12", "203.0.113.13")
    report = session.coverage()
    assert report is not None
    assert report.overall.score_pct == 100


@pytest.mark.asyncio
async def test_an_older_check_never_ends_a_newer_one(session: Session, service: FakeService) -> None:
    await trusted(session)
    await session.check()
    service.stall = asyncio.Event()
    old = asyncio.create_task(session.check())
    await service.reached.wait()
    session.announce_check()
    old.cancel()
    with pytest.raises(asyncio.CancelledError):
        await old
    assert session.activity is Activity.CHECKING


class Unreachable(FakeService):
    """Nothing can be looked at."""

    @override
    async def check(
        self,
        spec: BaseSpec,
        secrets: Secrets,
        *,
        only: Sequence[str] | None = None,
        checks: Sequence[str] | None = None,
        touched: Sequence[str] | None = None,
        intrusive: bool = False,
        base: Checked | None = None,
        on_server: OnServer | None = None,
        on_result: OnResult | None = None,
    ) -> Checked:
        raise ConnectFailed(
            "203.0.113.250", "manager", "cannot connect: \x1b[31mno route", fix="look at the network"
        )


@pytest.mark.asyncio
async def test_a_failure_is_an_error_text_without_control_characters(tmp_path: Path) -> None:
    session = await trusted(Session(Unreachable(tmp_path), Answers(SPEC), Secrets(SECRETS)))
    await session.check()
    assert "no route" in session.error
    assert "\x1b" not in session.error
    assert session.activity is Activity.IDLE


def test_secrets_are_asked_for_before_anything_is_known(service: FakeService) -> None:
    session = Session(service)
    assert [name for name, _label, _help in session.secrets_needed()] == ["manager", "agent"]
    session.answers.set("ssh", "yes")
    assert [name for name, _label, _help in session.secrets_needed()] == ["manager", "agent", "ssh"]
    session.answers.set("manager.port", "not a number")
    assert session.secrets_needed()


def test_secrets_never_reach_the_saved_answers(session: Session) -> None:
    session.give_secret("manager", "correct horse")
    assert "correct horse" not in session.answers.to_json()
    assert "correct horse" not in repr(session.secrets)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "labels", [("Password of the Manager", "Agent password"), ("Passwort", "manager's agents")]
)
async def test_only_the_controllers_own_secret_keeps_it_from_being_asked(
    session: Session, service: FakeService, monkeypatch: pytest.MonkeyPatch, labels: tuple[str, str]
) -> None:
    """Which secret is the controller's is its name, whatever the labels say."""
    await trusted(session)
    fields = [SecretField(name, label, "") for name, label in zip(("manager", "agent"), labels, strict=True)]
    monkeypatch.setattr(type(session.platform), "secrets_needed", lambda _self, _spec: fields)
    session.secrets = Secrets({"manager": "x"})
    await session.known_servers()
    session.secrets = Secrets({"agent": "x"})
    with pytest.raises(PoolwrightError, match=labels[0]):
        await session.known_servers()
