"""What the lines can do beside the straight way: save, import, waive, copy fixes, a jump host that does not answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from core.lab.fleet import Lab
from core.models.plan import ByHand, Plan, PlannedStep, PlanWarning
from core.models.results import Cause, CheckResult, FixCommand, Scope, Severity, Verdict
from core.runner.survival import Survival, Way
from core.secrets import Secrets
from core.service import Service
from tests.tui.fakes import SECRETS, SPEC, FakeService
from tui.answers import Answers
from tui.plain import Plain
from tui.plain_lines import finding_lines, plan_lines
from tui.session import Session

TRUST = {"Type 7": ["7"], "Type pool1": ["pool1"]}


def walk(
    service: Service,
    answers: Mapping[str, Sequence[str]],
    *,
    spec: Mapping[str, object] = SPEC,
    secrets: Secrets | None = None,
) -> tuple[int, str]:
    """The pool on lines: the answers to a prompt one after the other, Enter when they are used up."""
    said: list[str] = []
    left = {start: list(texts) for start, texts in answers.items()}

    class Out:
        """Collects lines."""

        def write(self, text: str) -> int:
            said.append(text)
            return len(text)

        def flush(self) -> None:
            """Nothing is held back."""

    def read(prompt: str) -> str:
        if len(said) > 2000:
            raise EOFError
        said.append(f"{prompt}\n")
        return next((texts.pop(0) for start, texts in left.items() if texts and prompt.startswith(start)), "")

    session = Session(service, Answers(spec), secrets or Secrets(SECRETS))
    code = Plain(session, out=Out(), read=read, read_secret=read).run()  # type: ignore[arg-type]
    return code, "".join(said)


def test_spec_plan_and_runbook_are_saved_at_a_prompt(service: FakeService, tmp_path: Path) -> None:
    files = [tmp_path / f"out.{kind}" for kind in ("spec", "plan", "runbook")]
    saves = [f":save {path.suffix[1:]} {path}" for path in files]
    again = f":save spec {files[0]}"
    code, said = walk(
        service,
        {**TRUST, "Type pool1": [":save", ":save cake", *saves, again, ":quit"], f"{files[0]} is": ["no"]},
    )
    assert code == 130
    assert said.count("what shall be saved?") == 2
    assert "is there already" in said
    assert "not saved" in said
    assert service.load(files[0]).pool_name == "pool1"
    assert "discoverServer" in files[1].read_text()
    assert "undo: delete ServerPool" in files[2].read_text()
    assert not any(secret in path.read_text() for path in files for secret in SECRETS.values())


def test_how_a_run_survives_is_said_before_the_last_question(service: FakeService) -> None:
    service.outlook = Survival(
        Way.DETACHED, False, "the session's processes are ended", ("enable lingering",)
    )
    _code, said = walk(service, TRUST)
    before = said[: said.index("Type pool1 to create")]
    assert "a run ENDS at logout: the session's processes are ended" in before
    assert "warning: enable lingering" in before


def test_servers_come_from_a_file_and_from_manager(service: FakeService, tmp_path: Path) -> None:
    listed = tmp_path / "servers.txt"
    listed.write_text("# rack 1\n203.0.113.[14-15]\n")
    service.known = ("203.0.113.16", "203.0.113.11")
    adds = [f"@{tmp_path / 'none'}", f"@{listed}", "@manager", "-203.0.113.15"]
    code, said = walk(
        service,
        {
            "Add servers": adds,
            "Type yes to add these 1:": ["yes"],
            "Type 11 to": ["11"],
            "Type 2 to": ["2"],
            "Type pool1": ["pool1"],
        },
    )
    assert "cannot read" in said
    assert code == 0
    names = service.started[0][0].server_names
    assert names == tuple(f"203.0.113.{n}" for n in (11, 12, 13, 14, 16))


def test_a_finding_is_answered_for_with_a_reason(service: FakeService) -> None:
    service.bad["203.0.113.12", "server.owner.free"] = (Verdict.FAIL, "owned", "release it there")
    code, said = walk(
        service, {**TRUST, "Number of a finding": ["1", "1"], "Why is it": ["no", "it is released tonight"]}
    )
    assert "a waiver needs a reason" in said
    assert code == 0
    waiver = service.started[0][0].waivers[0]
    assert (waiver.check, waiver.target) == ("server.owner.free", "203.0.113.12")


def test_a_jump_host_that_does_not_answer_is_asked_again(service: FakeService) -> None:
    service.unreachable.add("203.0.113.1")
    spec = {**SPEC, "jump": {"host": "203.0.113.1", "user": "root"}}
    code, said = walk(service, {"Enter asks again, < goes back:": ["", ":quit"]}, spec=spec)
    assert code == 130
    assert said.count("the jump host could not be reached") == 2
    assert not service.pins


def test_a_cause_comes_with_its_commands_and_what_follows() -> None:
    commands = (
        FixCommand(where="203.0.113.11", text="service ntpd start"),
        FixCommand(where="203.0.113.11", text="", withheld="its name holds a quote"),
        FixCommand(where="203.0.113.12", text="chkconfig ntpd on", warning="it starts at boot"),
    )
    found = Cause(
        id="server.ntp.running", rules=("R035",), scope=Scope.SERVER, verdict=Verdict.FAIL, severity=Severity.BLOCKER,
        title="NTP runs", detail="no \x1b[2Jdaemon", fixes=("start it",), commands=commands,
        targets=("203.0.113.11", "203.0.113.12"),
    )  # fmt: skip
    lines = finding_lines(found)
    assert lines[0] == "fail: server.ntp.running R035 203.0.113.11, 203.0.113.12: NTP runs"
    assert [line.strip() for line in lines[2:]] == [
        "fix: start it", "on 203.0.113.11:", "$ service ntpd start", "its name holds a quote",
        "on 203.0.113.12:", "CAREFUL: it starts at boot", "$ chkconfig ntpd on",
    ]  # fmt: skip
    assert "\x1b" not in "".join(lines)


def test_a_finding_without_a_fix_is_two_lines() -> None:
    found = CheckResult(
        id="pool.servers.alike", rules=(), scope=Scope.POOL, target="pool", verdict=Verdict.INFO,
        severity=Severity.INFO, title="alike", detail="all alike",
    )  # fmt: skip
    assert len(finding_lines(found)) == 2


def test_the_plan_tells_what_an_undo_needs_and_what_stays_by_hand() -> None:
    step = PlannedStep(
        id="own_server:a", kind="own_server", title="own a", lane="a", commands=("discoverServer",),
        undo_commands=("releaseOwnership",), undo_needs=("the agent answers",), undo_note="its NTP servers",
    )  # fmt: skip
    plan = Plan(
        platform="oracle_vm", pool="pool1", steps=(step,), warnings=(PlanWarning(id="plan.adopted", text="stays"),),
        by_hand=(ByHand(id="x", what="a file", where="nas", why="not ours", commands=("rm file",)),),
    )  # fmt: skip
    assert [line.strip() for line in plan_lines(plan)] == [
        "1. own a", "discoverServer", "undo: releaseOwnership", "undo needs: the agent answers",
        "undo does not bring back: its NTP servers", "know before you confirm: plan.adopted: stays",
        "left for you, never run by poolwright: a file at nas", "not ours", "$ rm file",
    ]  # fmt: skip


@pytest.mark.asyncio
async def test_manager_s_own_list_comes_from_the_simulated_manager(tmp_path: Path) -> None:
    """No server is named yet: only Manager's identity is confirmed, and only Manager is asked."""
    async with Lab.from_scenario("already-owned", servers=3, speed=1000) as lab:
        data = lab.spec_data()
        session = Session(
            Service(tmp_path), Answers({key: value for key, value in data.items() if key != "servers"}),
            Secrets(lab.passwords),
        )  # fmt: skip
        seen = await session.look_at_identities()
        assert {each.endpoint.plane for each in seen} == {"manager"}
        session.confirm_identities()
        assert session.is_controller_trusted()
        known = await session.known_servers()
        owned = {each["address"] for each in data["servers"]}
        assert known
        assert set(known) <= owned
        session.answers.set_servers(known)
        assert await session.known_servers() == ()


def test_what_a_run_asks_is_answered_on_lines(service: FakeService) -> None:
    service.asks = True
    code, said = walk(service, {**TRUST, "Answer (retry, abort": ["?", "retry"]})
    assert code == 0
    assert service.actions == ["retry"]
    assert "cannot see what became of it" in said
