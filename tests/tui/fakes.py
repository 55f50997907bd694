"""A service with a believable fleet and no sockets: the same signatures as core.service.Service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from typing_extensions import override

from core import spec_file, yaml_file
from core.errors import ControlledElsewhere, IdentityChanged, RunnerError, SpecProblem
from core.models.cpu import Arch, CpuProfile
from core.models.events import EventKind, Outcome, Residue, RunEvent, RunState, StepState, Verified
from core.models.facts import Fact, PlaneFact, PlaneState, ServerFacts
from core.models.fleet import FleetFacts
from core.models.plan import Plan, PlannedStep, Unobservable
from core.models.results import CheckResult, Scope, Severity, Verdict
from core.models.spec import BaseSpec
from core.models.use import PoolUse, RollbackOutlook, why_not_undo
from core.paths import StatePaths
from core.platforms.base import Platform, SecretField
from core.platforms.oracle_vm.platform import SECTIONS
from core.platforms.oracle_vm.spec import PoolSpec
from core.runner.survival import Survival, Way
from core.secrets import Secrets
from core.service import Checked, OnResult, OnServer, RunView, Service, StepView, Verdicts
from core.settings import load_settings
from core.transports.base import Endpoint
from core.transports.trust import Identity, TrustState

ANSWERS = {"retry": "look again now", "abort": "take back what was done"}
NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
SECRETS = {"manager": "throwaway-manager", "agent": "throwaway-agent", "ssh": "throwaway-ssh"}
SPEC: dict[str, Any] = {
    "manager": {"host": "203.0.113.250"},
    "pool": {
        "name": "pool1",
        "virtual_ip": "203.0.113.100",
        "file_system": {"kind": "nfs", "server": "203.0.113.200", "export": "/export/pool1"},
    },
    "servers": [{"address": f"203.0.113.{n}"} for n in (11, 12, 13)],
    "ssh": {"user": "root"},
}


class FakePlatform:
    """As much of a platform as the wizard looks at."""

    name = "oracle_vm"
    title = "Oracle VM"
    spec_model = PoolSpec
    sections = SECTIONS
    vocabulary = ""

    def secrets_needed(self, spec: BaseSpec) -> Sequence[SecretField]:
        needed = [
            SecretField("manager", "Manager password", "password of the Manager user"),
            SecretField("agent", "Agent password", "password of the agents on the servers"),
        ]
        if spec.ssh is not None and spec.ssh.key_file is None:
            needed.append(SecretField("ssh", "SSH password", "password of the servers' SSH login"))
        return needed

    def endpoints(self, spec: BaseSpec) -> Sequence[Endpoint]:
        assert isinstance(spec, PoolSpec)
        host = spec.manager.host
        made = [Endpoint(host, "manager", host, host, spec.manager.port, "ssh")]
        for name in spec.server_names:
            made.append(Endpoint(name, "agent", name, name, spec.agent.port, "tls"))
            if spec.ssh is not None:
                made.append(Endpoint(name, "ssh", name, name, spec.ssh.port, "ssh"))
        return made


class FakeService(Service):
    """A healthy fleet by default; the public attributes change what happens."""

    def __init__(self, state_dir: Path) -> None:
        self.paths = StatePaths.of(state_dir)
        self.settings = load_settings(keys={})
        self.outlook = Survival(Way.DETACHED, True, "detached; no login session holds it")
        self.pins: dict[tuple[str, str], str] = {}
        self.changed: set[str] = set()  # servers whose identity has changed
        self.unreachable: set[str] = set()  # servers that do not answer when asked for their identity
        self.bad: dict[
            tuple[str, str], tuple[Verdict, str, str]
        ] = {}  # (server, check) -> verdict, detail, fix
        self.password = dict(SECRETS)
        self.logins: list[tuple[str, str]] = []  # (server, secret name) of each login tried
        self.checks_made = 0
        self.asked: list[
            tuple[tuple[str, ...] | None, tuple[str, ...], tuple[str, ...]]
        ] = []  # only, checks, touched of each check
        self.outcome = Outcome.CREATED
        self.fail_at = ""
        self.unobservable: tuple[Unobservable, ...] = ()  # what the plan says nobody can verify
        self.hold: asyncio.Event | None = None  # a run waits here after its first step
        self.stall: asyncio.Event | None = None  # checks wait here before the second server
        self.reached = asyncio.Event()  # a check is waiting there
        self.views: dict[str, RunView] = {}
        self.actions: list[str] = []
        self.controller = ""  # somebody else who controls every run
        self.deeds: list[tuple[str, str, tuple[str, ...]]] = []  # resume or rollback, run, names of secrets
        self.use = PoolUse(is_there=True, members=("ovs01", "ovs02"))
        self.known: tuple[str, ...] = ()  # servers the controller lists
        self.asks = False  # the run asks whether to look again, and waits for a word
        self.answered = asyncio.Event()
        self.started: list[tuple[BaseSpec, Plan, tuple[str, ...]]] = []

    @override
    def platform(self, name: str = "oracle_vm") -> Platform:
        return cast("Platform", FakePlatform())

    @override
    def load(self, path: Path) -> BaseSpec:
        return spec_file.build(yaml_file.read_file(path), lambda _name: PoolSpec, judge)

    @override
    def parse(self, data: Mapping[str, Any]) -> BaseSpec:
        return spec_file.parse(data, lambda _name: PoolSpec, judge)

    @override
    def problems(self, data: Mapping[str, Any]) -> tuple[SpecProblem, ...]:
        return spec_file.problems(data, lambda _name: PoolSpec, judge)

    # -- trust

    @override
    async def identities(self, spec: BaseSpec, secrets: Secrets) -> list[Identity]:
        await asyncio.sleep(0)
        behind = [self._identity(each) for each in FakePlatform().endpoints(spec)]
        if spec.jump is None:
            return behind
        jump = self._identity(Endpoint(spec.jump.host, "jump", spec.jump.host, spec.jump.host, 22, "ssh"))
        return [jump, *behind] if jump.state is TrustState.KNOWN else [jump]

    def _identity(self, endpoint: Endpoint) -> Identity:
        shown = f"SHA256:{abs(hash_of(endpoint.server + endpoint.plane)):043d}"[:50]
        key = (endpoint.server, endpoint.plane)
        made = Identity(
            endpoint, TrustState.NEW, shown, "ssh-ed25519" if endpoint.kind == "ssh" else "x509 RSA 2048"
        )
        if endpoint.server in self.unreachable:
            return Identity(endpoint, TrustState.UNREACHABLE, reason="no answer within 10 s")
        if endpoint.server in self.changed:
            return replace(made, state=TrustState.CHANGED, pinned="SHA256:" + "a" * 43)
        if key in self.pins:
            return replace(made, state=TrustState.KNOWN, origin="pin")
        return made

    @override
    def trust(self, identities: Sequence[Identity]) -> None:
        for each in identities:
            if each.state is TrustState.CHANGED:
                raise IdentityChanged(
                    each.endpoint.server, each.endpoint.plane, each.pinned, each.fingerprint
                )
            self.pins[each.endpoint.server, each.endpoint.plane] = each.fingerprint

    # -- checks

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
        self.checks_made += 1
        self.asked.append(
            (tuple(only) if only is not None else None, tuple(checks or ()), tuple(touched or ()))
        )
        fleet = base.fleet if base else FleetFacts()
        names = () if base and (checks or touched) else spec.server_names if only is None else only
        for index, name in enumerate(names):
            if self.stall is not None and index:
                self.reached.set()
                await self.stall.wait()
            await asyncio.sleep(0)
            facts = self._facts(name, spec, secrets)
            fleet = fleet.with_server(facts)
            if on_server is not None:
                await on_server(facts)
        ordered = {name: fleet.servers[name] for name in spec.server_names if name in fleet.servers}
        controller = (
            PlaneState.OK if secrets.get("manager") == self.password["manager"] else PlaneState.REFUSED
        )
        fleet = fleet.model_copy(update={"servers": ordered, "controller": PlaneFact(state=controller)})
        results = [each for name in ordered for each in self._results(name, ordered[name])]
        results += [_pool_result(spec)]
        for result in results:
            if on_result is not None:
                await on_result(result)
        return Checked(fleet, tuple(results))

    def _facts(self, name: str, spec: BaseSpec, secrets: Secrets) -> ServerFacts:
        planes: dict[str, PlaneFact] = {}
        for plane in ("agent", "ssh") if spec.ssh is not None else ("agent",):
            if (name, plane) not in self.pins:
                planes[plane] = (
                    PlaneFact(state=PlaneState.UNREACHABLE, reason="no answer")
                    if name in self.unreachable
                    else PlaneFact(state=PlaneState.UNTRUSTED, reason="not confirmed")
                )
                continue
            self.logins.append((name, plane))
            good = secrets.get(plane) == self.password[plane]
            planes[plane] = (
                PlaneFact(state=PlaneState.OK)
                if good
                else PlaneFact(state=PlaneState.REFUSED, reason="login refused")
            )
        cpu = CpuProfile(arch=Arch.X86_64, vendor="GenuineIntel", family="6", model="63")
        return ServerFacts(
            name=name,
            address=name,
            planes=planes,
            observed_at=NOW,
            cpu=Fact[CpuProfile].seen(cpu, "agent", NOW),
        )

    def _results(self, name: str, facts: ServerFacts) -> list[CheckResult]:
        refused = [plane for plane, fact in facts.planes.items() if fact.state is PlaneState.REFUSED]
        rows = [
            ("server.agent.login", Scope.SERVER, "The agent takes the password", "R001", not refused),
            ("server.owner.free", Scope.SERVER, "The server has no other owner", "R003", True),
            ("server.clock.close", Scope.SERVER, "The clock is close to ours", "R035", True),
            (
                "storage.pool_fs.reachable",
                Scope.STORAGE,
                "The server sees the pool file system",
                "R042",
                True,
            ),
        ]
        made = []
        for check, scope, title, rule, holds in rows:
            verdict = Verdict.PASS if holds else Verdict.FAIL
            detail, fix = (
                ("looked at, and good", "") if holds else ("login refused", "type the password again")
            )
            if (name, check) in self.bad:
                verdict, detail, fix = self.bad[name, check]
            made.append(
                CheckResult(
                    id=check, rules=(rule,), scope=scope, target=name, verdict=verdict, severity=Severity.BLOCKER,
                    title=title, detail=detail, fix=fix, source="server-pools 2", servers=(name,),
                )
            )  # fmt: skip
        return made

    @override
    def judge(self, spec: BaseSpec, checked: Checked, *, accept: Sequence[str] = ()) -> Verdicts:
        waived = {(each.check, each.target) for each in spec.waivers}
        refusals = [
            each for each in checked.results if each.verdict is Verdict.FAIL and each.key not in waived
        ]
        unknown = [
            each for each in checked.results
            if each.verdict is Verdict.UNKNOWN and each.id not in accept and each.key not in waived
        ]  # fmt: skip
        return Verdicts(tuple(refusals), tuple(unknown), len(checked.results))

    @override
    def plan(self, spec: BaseSpec, checked: Checked, *, accept: Sequence[str] = ()) -> Plan:
        steps = [
            PlannedStep(
                id=f"own_server:{name}", kind="own_server", title=f"Own {name}", lane=name,
                args={"server": {"name": name}, "address": name, "roles": ["vm", "utility"]},
                commands=(f"discoverServer ipAddress={name} password=<agent password> takeOwnership=Yes",),
                undo_commands=(f"releaseOwnership Server name={name}",),
            )
            for name in spec.server_names
        ]  # fmt: skip
        steps.append(
            PlannedStep(
                id="create_pool:pool", kind="create_pool", title=f"Create the pool {spec.pool_name}", lane="pool",
                args={"pool": spec.model_dump(mode="json")["pool"], "storage": {"kind": "nfs", "export": "/e"}},
                commands=(f"create ServerPool name={spec.pool_name} clusterEnable=Yes",),
                undo_commands=(f"delete ServerPool name={spec.pool_name}",),
                undo_note="the pool file system on the storage", is_point_of_no_return=True,
            )
        )  # fmt: skip
        return Plan(
            platform="oracle_vm",
            pool=spec.pool_name,
            release="3.4",
            steps=tuple(steps),
            unobservable=self.unobservable,
        )

    @override
    def compatibility(self, spec: BaseSpec, fleet: FleetFacts) -> dict[str, Any]:
        names = list(fleet.servers)
        cell = {"verdict": "allowed", "text": "same vendor, family and model", "rows": ["C01"], "missing": []}
        groups = [{"id": "g1", "name": "Default_Intel_Family:6_Model:63", "servers": names}] if names else []
        return {
            "servers": names,
            "groups": groups,
            "cells": {a: {b: cell for b in names if b != a} for a in names},
        }

    # -- runs

    @override
    def survival(self) -> Survival:
        return self.outlook

    @override
    async def start(
        self, spec: BaseSpec, plan: Plan, secrets: Secrets, *, accepted: Sequence[str] = ()
    ) -> str:
        run = f"260301-020000-{len(self.views):02d}"
        self.started.append((spec, plan, tuple(accepted)))
        steps = tuple(StepView(each.id, each.title, each.lane, StepState.WAITING) for each in plan.steps)
        self.views[run] = RunView(
            run,
            plan.pool,
            plan.platform,
            RunState.RUNNING,
            None,
            steps,
            started_at="2026-03-01T02:00:00",
            is_live=True,
        )
        return run

    @override
    async def follow(self, run: str, since: int = 0) -> AsyncIterator[RunEvent]:
        for seq, (kind, step, state, text) in enumerate(self._story(run), 1):
            if kind is EventKind.NOTE and self.hold is not None:
                await self.hold.wait()
            if kind is EventKind.ANSWER:
                await self.answered.wait()
            await asyncio.sleep(0)
            data = {"answers": ANSWERS} if kind is EventKind.QUESTION else {}
            event = RunEvent(
                run=run, seq=seq, at=NOW, kind=kind, step=step, state=state, text=text, data=data
            )
            self._fold(event)
            if seq > since:
                yield event

    def _story(self, run: str) -> list[tuple[EventKind, str, str, str]]:
        story: list[tuple[EventKind, str, str, str]] = [(EventKind.RUN_STATE, "", "running", "")]
        done: list[str] = []
        for number, step in enumerate(self.views[run].steps):
            story.append((EventKind.STEP_STATE, step.id, "doing", ""))
            story.append((EventKind.COMMAND, step.id, "", f"OVM> something for {step.id}"))
            if step.id == self.fail_at:
                story.append((EventKind.STEP_STATE, step.id, "failed", "Manager said no"))
                story.append((EventKind.RUN_STATE, "", "rolling_back", ""))
                story += [(EventKind.STEP_STATE, undone, "undone", "") for undone in reversed(done)]
                break
            if self.asks and number == 0:
                story.append((EventKind.QUESTION, step.id, "asked", "cannot see what became of it"))
                story.append((EventKind.ANSWER, step.id, "seen", "somebody answers again"))
            story.append((EventKind.STEP_STATE, step.id, "done", "Status: Success"))
            done.append(step.id)
            if number == 0:
                story.append((EventKind.NOTE, "", "", "the first server is owned"))
        story.append((EventKind.RUN_STATE, "", "done", ""))
        story.append((EventKind.OUTCOME, "", self.outcome.value, ""))
        return story

    def _fold(self, event: RunEvent) -> None:
        view = self.views[event.run]
        if event.kind is EventKind.STEP_STATE:
            steps = tuple(
                replace(each, state=StepState(event.state), text=event.text)
                if each.id == event.step
                else each
                for each in view.steps
            )
            view = replace(view, steps=steps)
        elif event.kind in (EventKind.QUESTION, EventKind.ANSWER):
            view = replace(view, question=event.text if event.kind is EventKind.QUESTION else "")
        elif event.kind is EventKind.OUTCOME:
            residue = (
                (
                    Residue(
                        id="fs",
                        what="pool file system",
                        where="/export/pool1",
                        commands=("rm -rf /mnt/pool1/ovspoolfs",),
                    ),
                )
                if self.outcome is Outcome.NEEDS_HUMAN
                else ()
            )
            checks = tuple(
                Verified(
                    id=f"V{n:02d}",
                    title=f"Item {n}",
                    holds=None if n == 7 and self.outcome is Outcome.CREATED_UNVERIFIED else True,
                    detail="as expected",
                )
                for n in range(1, 8)
            )
            view = replace(
                view, state=RunState.DONE, outcome=self.outcome, is_live=False, residue=residue,
                verification=checks if self.outcome and self.outcome.stands else (),
            )  # fmt: skip
        self.views[event.run] = replace(view, last_seq=event.seq)

    @override
    async def control(self, run: str, action: str, *, take_over: bool = False) -> str:
        if run not in self.views:
            raise RunnerError("cannot reach the runner: no such run")
        if self.controller and not take_over:
            raise ControlledElsewhere(run, action, self.controller)
        self.controller = ""
        self.actions.append(action)
        if action in ANSWERS:
            self.answered.set()
        return action

    @override
    async def resume(self, run: str, secrets: Secrets) -> str:
        return self._continue("resume", run, secrets)

    @override
    async def rollback_outlook(self, run: str, secrets: Secrets) -> RollbackOutlook:
        view = self.views[run]
        titles = tuple(step.title for step in view.steps)
        return RollbackOutlook(
            view, is_whole=True, to_undo=titles, use=self.use, refusals=why_not_undo(self.use, is_whole=True)
        )

    @override
    async def rollback(self, run: str, secrets: Secrets) -> str:
        return self._continue("rollback", run, secrets)

    def _continue(self, deed: str, run: str, secrets: Secrets) -> str:
        self.deeds.append((deed, run, secrets.names()))
        self.views[run] = replace(self.views[run], is_live=True, outcome=None, state=RunState.RUNNING)
        return run

    @override
    def spec_of(self, run: str) -> BaseSpec:
        return next(spec for spec, plan, _accepted in self.started if plan.pool == self.views[run].pool)

    @override
    async def known_servers(self, spec: BaseSpec, secrets: Secrets) -> tuple[str, ...]:
        assert spec.servers == ()
        return self.known

    @override
    def runs(self) -> list[RunView]:
        return [replace(each, steps=()) for each in reversed(self.views.values())]

    @override
    def show(self, run: str) -> RunView:
        if run not in self.views:
            raise RunnerError(f"cannot show {run}: there is no such run")
        return self.views[run]


def judge(spec: BaseSpec) -> list[SpecProblem]:
    """Two rules that the spec alone tells."""
    assert isinstance(spec, PoolSpec)
    found = []
    if spec.pool.clustered and spec.pool.file_system is None:
        found.append(
            SpecProblem(
                "pool.file_system", "a clustered pool needs a pool file system", "choose nfs or lun", "R021"
            )
        )
    if not 30 <= spec.pool.timeout_s <= 300:
        found.append(SpecProblem("pool.timeout_s", f"is {spec.pool.timeout_s} s", "take 30 to 300", "R044"))
    return found


def hash_of(text: str) -> int:
    """A number that is the same in every process."""
    value = 7
    for char in text:
        value = (value * 1000003 ^ ord(char)) & ((1 << 140) - 1)
    return value


def _pool_result(spec: BaseSpec) -> CheckResult:
    return CheckResult(
        id="pool.servers.alike", rules=(), scope=Scope.POOL, target="pool", verdict=Verdict.INFO,
        severity=Severity.INFO, title="Identical servers recommended", detail=f"{len(spec.servers)} servers, all alike",
    )  # fmt: skip
