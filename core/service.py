"""The one door for front ends: load, trust, inspect, check, plan, start, attach, report. No screen, no printing."""

from __future__ import annotations

import errno
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from core import own_limit, spec_file, yaml_file
from core.checks import steering, waivers
from core.checks.coverage import cover
from core.checks.folding import fold
from core.checks.judge import judge, judge_spec
from core.checks.registry import Check
from core.checks.runner import run_checks, selected, with_prerequisites
from core.checks.stale import changed_fields, stale
from core.cpu import compat
from core.engine.history import intact, read_run
from core.errors import (
    DriftError,
    IdentityChanged,
    PlanFileError,
    PoolwrightError,
    SpecProblem,
    UsageError,
)
from core.log import guard, setup_logging
from core.looking import Checked, OnResult, OnServer, ResultStream, Verdicts
from core.masking import Masker, hide, own_words, words_of
from core.models.coverage import CoverageReport, Stale, WaiverState
from core.models.events import Outcome, RunEvent
from core.models.fleet import FleetFacts
from core.models.plan import Plan, PlanWarning
from core.models.results import Cause, Verdict
from core.models.spec import BaseSpec
from core.models.use import RollbackOutlook
from core.models.views import RunView, StepView
from core.paths import PathsError, StatePaths, expanded, state_root
from core.platforms import catalog
from core.platforms.base import Platform
from core.reports.rollback import rollback_text
from core.reports.text import check_text, plan_text
from core.runner import client
from core.runner.plan_file import plan_document, read_plan
from core.runner.review import require_same, require_whole
from core.runner.taking_back import outlook, require_something_to_undo, rollback_plan
from core.secrets import Secrets
from core.settings import Settings, load_settings
from core.transports.base import Access
from core.transports.jump import jump_endpoint, open_jump
from core.transports.limits import Limits
from core.transports.trust import Identity, TrustState, TrustStore, see

__all__ = ["Checked", "OnResult", "OnServer", "RunView", "Service", "StepView", "Verdicts"]


def _places(spec: BaseSpec) -> tuple[set[str], set[str]]:
    """Addresses of the controller, and the servers."""
    endpoints = catalog.platform(spec.platform).endpoints(spec)
    servers = set(spec.server_names)
    return {each.address for each in endpoints if each.server not in servers}, servers


class Service:
    """Front ends hold one of these. All state lives below `state_dir` (None takes the settings' own)."""

    def __init__(self, state_dir: Path | None = None, *, known_hosts: Path | None = None) -> None:
        self.settings: Settings = load_settings(state_dir=state_dir, known_hosts=known_hosts)
        self.paths = StatePaths.of(self.settings.state_dir)
        self.approvals: Path | None = None  # two-person mode: where a second user approves plans
        self._trust: TrustStore | None = None
        self._access: tuple[Secrets, BaseSpec, Access] | None = None

    # -- the spec -------------------------------------------------------------------------------------------------

    def platform(self, name: str = "oracle_vm") -> Platform:
        """The platform of that name; SpecError for an unknown one."""
        return catalog.platform(name)

    def load(self, path: Path) -> BaseSpec:
        """Read and judge a spec file by everything the spec alone tells; SpecError carries all problems at once.

        Relative file names in it are meant from its own folder.
        """
        spec = spec_file.build(yaml_file.read_file(path), self._model_of, self._judge_spec)
        return self._with_files(spec, path.absolute().parent)

    def parse(self, data: Mapping[str, Any]) -> BaseSpec:
        """The same for data typed into the wizard; relative file names are meant from here."""
        return self._with_files(spec_file.parse(data, self._model_of, self._judge_spec), Path.cwd())

    def problems(self, data: Mapping[str, Any]) -> tuple[SpecProblem, ...]:
        """What is wrong with unfinished data, field by field; empty when it is a spec."""
        return spec_file.problems(data, self._model_of, self._judge_spec)

    def dump(self, spec: BaseSpec) -> str:
        """The spec as the YAML file it would be loaded from."""
        return spec_file.dump(spec)

    def _model_of(self, name: str) -> type[BaseSpec]:
        return catalog.platform(name).spec_model

    def _judge_spec(self, spec: BaseSpec) -> list[SpecProblem]:
        platform = catalog.platform(spec.platform)
        found = [
            SpecProblem(field_path, result.detail, result.fix, " ".join(result.rules))
            for field_path, result in judge_spec(platform, spec)
        ]
        found += [SpecProblem(*problem) for problem in waivers.problems(platform.checks, spec)]
        return found + steering.problems(platform.checks, spec)

    def require_known(self, spec: BaseSpec, accept: Sequence[str], field: str) -> None:
        """UsageError for ids given to accept (by the option `field`) that do not exist or that nobody can accept."""
        wrong = steering.acceptances(self.platform(spec.platform).checks, accept, field)
        if wrong:
            raise UsageError(wrong)

    def _with_files(self, spec: BaseSpec, folder: Path) -> BaseSpec:
        def absolute(name: str | None) -> str | None:
            return None if name is None else str(folder / expanded(Path(name)))

        known = absolute(spec.trust.known_hosts) or (
            str(self.settings.known_hosts) if self.settings.known_hosts else None
        )
        update: dict[str, Any] = {"trust": spec.trust.model_copy(update={"known_hosts": known})}
        if spec.ssh is not None:
            update["ssh"] = spec.ssh.model_copy(update={"key_file": absolute(spec.ssh.key_file)})
        if spec.jump is not None:
            update["jump"] = spec.jump.model_copy(update={"key_file": absolute(spec.jump.key_file)})
        return spec.model_copy(update=update)

    # -- trust ----------------------------------------------------------------------------------------------------

    def access(self, spec: BaseSpec, secrets: Secrets) -> Access:
        """Pins, secrets and limits for one front end; the same secrets keep what their logins were told."""
        store = self._store(spec)
        if self._access is None or self._access[0] is not secrets:
            access = Access(store, secrets, self._limits(), masker=self._masker(spec, secrets))
        elif self._access[1] != spec:
            access = replace(self._access[2], trust=store, masker=self._masker(spec, secrets))
        else:
            return self._access[2]
        self._access = (secrets, spec, access)
        return access

    def _masker(self, spec: BaseSpec, secrets: Secrets) -> Masker:
        """Hides these secrets in what servers say, and from now on in all that this process shows."""
        said = words_of(spec.model_dump(mode="json"))
        public = (said, catalog.platform(spec.platform).vocabulary, own_words(secrets.values()))
        guard(secrets, *public)
        return Masker(secrets.values(), *public)

    def _store(self, spec: BaseSpec) -> TrustStore:
        """Our pins with the spec's known_hosts, which may be another one after the spec was changed."""
        known_hosts = Path(spec.trust.known_hosts) if spec.trust.known_hosts else None
        if self._trust is None:
            state_root(self.paths.root)
            self._log_to(self.paths.root / "poolwright.log")
        if self._trust is None or self._trust.known_hosts != known_hosts:
            self._trust = TrustStore(self.paths.pins, known_hosts)
        return self._trust

    def _log_to(self, path: Path) -> None:
        try:
            setup_logging(path, level=self.settings.log_level)
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):  # no fault of the folder
                raise
            why = (error.strerror or type(error).__name__).lower()
            raise PathsError(
                f"cannot write {path}: {why}", fix="choose another folder by --state-dir"
            ) from error

    def _limits(self) -> Limits:
        return Limits(
            connect_s=self.settings.connect_s,
            ssh_command_s=self.settings.ssh_command_s,
            agent_discover_s=self.settings.agent_discover_s,
            manager_command_s=self.settings.manager_command_s,
        )

    async def identities(self, spec: BaseSpec, secrets: Secrets) -> list[Identity]:
        """One trust table of all host keys and certificates: known, new, changed or unreachable.

        Sends no secret but the jump host's own login, and that only after the jump host's key is known: with an
        unknown one the table holds the jump host alone.
        """
        access = self.access(spec, secrets)
        endpoints = catalog.platform(spec.platform).endpoints(spec)
        with own_limit.told(len(spec.servers)):
            if spec.jump is None:
                return await see(endpoints, access)
            first = await see([jump_endpoint(spec.jump)], access)
            if first[0].state is not TrustState.KNOWN:
                return first
            async with open_jump(spec.jump, access) as jump:
                return first + await see(endpoints, access, jump)

    def trust(self, identities: Sequence[Identity]) -> None:
        """Pin what the operator confirmed; a changed one raises IdentityChanged and pins nothing."""
        for each in identities:
            if each.state is TrustState.CHANGED:
                raise IdentityChanged(
                    each.endpoint.server, each.endpoint.plane, each.pinned, each.fingerprint
                )
        if identities and self._trust is not None:
            self._trust.add(list(identities))

    def secret_problem(self, platform: str, name: str, value: str) -> str | None:
        """Why this secret could not be sent safely, without the secret; None when it can."""
        return catalog.platform(platform).secret_problem(name, value)

    # -- look and judge -------------------------------------------------------------------------------------------

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
        """Observe and judge; a server's own results stream when its facts are there, all of them at the end.

        `only` looks at some servers again, `checks` (ids or rules) and `touched` (changed spec fields) ask some
        checks again, each on top of `base`; what these do not need is not looked at. `intrusive` lets probes write
        into scratch folders. ValueError for a check that does not exist.
        """
        platform = catalog.platform(spec.platform)
        wanted = selected(platform.checks, only=checks, touched=touched)
        if checks is not None and not wanted:
            raise ValueError(f"no check or rule is called {', '.join(checks)}")
        stream = ResultStream(platform, spec, base, on_server, on_result, checks, touched)
        with own_limit.told(len(spec.servers)):
            fleet = await self._look(platform, spec, secrets, wanted, only, base, stream, intrusive)
        with own_limit.told(len(spec.servers)):
            results = await run_checks(
                platform.checks,
                platform.context(spec, fleet, datetime.now(UTC)),
                only=checks,
                touched=touched,
                base=base.results if base and (checks is not None or touched is not None) else (),
                on_result=on_result,
            )
        return Checked(fleet, tuple(results))

    async def _look(
        self,
        platform: Platform,
        spec: BaseSpec,
        secrets: Secrets,
        wanted: Sequence[Check],
        only: Sequence[str] | None,
        base: Checked | None,
        stream: ResultStream,
        intrusive: bool,
    ) -> FleetFacts:
        """As much of the fleet as these checks need; facts of `base` stay for the rest."""
        ids = with_prerequisites(platform.checks, {check.id for check in wanted})
        needed = [platform.checks.checks[id_] for id_ in ids]
        kept = base.fleet if base else None
        if all(check.spec_only for check in needed):
            return kept or FleetFacts()
        if (
            kept is not None
            and only is None
            and all(set(check.planes) <= {"manager", "input"} for check in needed)
        ):
            only = ()
        return await platform.collect(
            spec,
            self.access(spec, secrets),
            only=only,
            base=kept,
            on_server=stream.on_server,
            intrusive=intrusive,
        )

    def causes(self, spec: BaseSpec, checked: Checked) -> tuple[Cause, ...]:
        """What is wrong or not known, folded to root causes, worst first, each with what follows from it."""
        return fold(catalog.platform(spec.platform).checks, checked.results)

    def coverage(self, spec: BaseSpec, checked: Checked) -> CoverageReport:
        """How much was verified, is unknown (and why) or waived: overall and per server."""
        return cover(checked.results, spec.server_names)

    def waivers(self, spec: BaseSpec, checked: Checked) -> tuple[WaiverState, ...]:
        """Every waiver of the spec: what it covers, or that it has ended."""
        registry = catalog.platform(spec.platform).checks
        return waivers.states(registry, spec.waivers, checked.results, datetime.now(UTC).date())

    def stale(self, spec: BaseSpec, checked: Checked, *, before: BaseSpec | None = None) -> tuple[Stale, ...]:
        """Results to look at again: old ones, and those that a change of the spec since `before` concerns."""
        touched = changed_fields(before, spec) if before is not None else ()
        registry = catalog.platform(spec.platform).checks
        return stale(registry, checked.results, datetime.now(UTC), touched=touched)

    def judge(self, spec: BaseSpec, checked: Checked, *, accept: Sequence[str] = ()) -> Verdicts:
        """May it be applied? `accept` adds ids accepted now (typed, or --accept-unknown)."""
        platform = catalog.platform(spec.platform)
        refusals, unaccepted = judge(platform.checks, checked.results, [*spec.accept, *accept])
        judged = sum(result.verdict is not Verdict.NOT_APPLICABLE for result in checked.results)
        return Verdicts(tuple(refusals), tuple(unaccepted), judged)

    def plan(self, spec: BaseSpec, checked: Checked, *, accept: Sequence[str] = ()) -> Plan:
        """The exact steps; commands and undo are made out of their args. `accept` as in judge: an approver sees it."""
        platform = catalog.platform(spec.platform)
        plan = platform.plan(spec, checked.fleet, checked.results).with_lines(platform.lines_of)
        return plan.model_copy(update={"accepted": tuple(accept)})

    def plan_json(self, spec: BaseSpec, plan: Plan) -> str:
        """The plan for review, as `plan --output` writes it and `apply --plan` reads it; no secret is in it."""
        return json.dumps(plan_document(plan, spec.model_dump(mode="json"), []), indent=2)

    def runbook(self, spec: BaseSpec, checked: Checked, plan: Plan) -> str:
        """Everything for doing it by hand: findings with their fixes, steps with commands and the way back."""
        findings = check_text(
            checked.results,
            self.causes(spec, checked),
            self.coverage(spec, checked),
            self.waivers(spec, checked),
        )
        head = f"Runbook of pool {spec.pool_name}, plan {plan.digest}"
        parts = [head, "=" * len(head), "", plan_text(plan), "", "What was found", "", findings, ""]
        return hide("\n".join(parts))

    async def known_servers(self, spec: BaseSpec, secrets: Secrets) -> tuple[str, ...]:
        """Servers in no pool that the controller knows; the spec may name none yet. PoolwrightError when it cannot
        be asked."""
        platform = catalog.platform(spec.platform)
        with own_limit.told(len(spec.servers)):
            return tuple(await platform.known_servers(spec, self.access(spec, secrets)))

    def reviewed(self, path: Path) -> tuple[BaseSpec, Plan]:
        """A plan written for review, with the pool description it was made from; PlanFileError when unusable."""
        plan, data = read_plan(path)
        model = self._model_of(plan.platform)
        try:
            spec = model.model_validate(data)
        except ValidationError as error:
            problem = SpecProblem("plan", f"cannot use {path}: its pool description is not usable: {error}")
            raise PlanFileError([problem]) from error
        if problems := self._judge_spec(spec):
            raise PlanFileError(problems)
        require_whole(plan, spec, catalog.platform(plan.platform))
        return spec, plan

    def require_fit(self, spec: BaseSpec, plan: Plan, checked: Checked) -> None:
        """The reviewed plan must be, step by step, the one that is made now. DriftError when the pool description or
        what was looked at has changed since, PlanError when the plan says what nobody planned."""
        platform = catalog.platform(spec.platform)
        changes = platform.drift(spec, plan, checked.fleet)
        if changes:
            raise DriftError(plan.pool, changes)
        require_same(plan, self.plan(spec, checked, accept=plan.accepted), platform)

    def sweep_plan(self, spec: BaseSpec, checked: Checked, pool: str = "") -> Plan:
        """What earlier failures left, as a cleaning plan; PoolwrightError when the platform makes none."""
        platform = catalog.platform(spec.platform)
        past, unread = client.past_runs(self.paths.root, platform.name)
        if not unread:
            return platform.sweep_plan(spec, checked.fleet, pool, past)
        # a run that cannot be read may hold what another one left: no journal decides, only what is proven dead goes
        plan = platform.sweep_plan(spec, checked.fleet, pool, ())
        told = tuple(PlanWarning(id="sweep.journals", text=f"no journal was used: {why}") for why in unread)
        return plan.model_copy(update={"warnings": (*plan.warnings, *told)})

    def compatibility(self, spec: BaseSpec, fleet: FleetFacts) -> dict[str, Any]:
        """Who can live-migrate to whom, as plain data: `servers`, `groups` (id, name, servers) and `cells`
        (from -> to -> verdict, text, rows, missing)."""
        profiles = catalog.platform(spec.platform).cpu_profiles(fleet)
        cells = {
            a: {b: self._cell(compat.pair(profiles[a], profiles[b])) for b in profiles if b != a}
            for a in profiles
        }
        groups = [{"id": g.id, "name": g.name, "servers": list(g.servers)} for g in compat.groups(profiles)]
        return {"servers": list(profiles), "groups": groups, "cells": cells}

    @staticmethod
    def _cell(cell: compat.Cell) -> dict[str, Any]:
        return {
            "verdict": cell.verdict.value,
            "text": cell.text,
            "rows": list(cell.rows),
            "missing": list(cell.missing),
        }

    # -- runs -----------------------------------------------------------------------------------------------------

    async def start(
        self, spec: BaseSpec, plan: Plan, secrets: Secrets, *, accepted: Sequence[str] = ()
    ) -> str:
        """Start the detached runner and return the run's id."""
        defaults = asdict(Limits())
        document = client.RunDocument.of(
            spec,
            plan,
            accepted=(*spec.accept, *accepted),
            known_hosts=spec.trust.known_hosts,
            approvals=str(self.approvals.absolute()) if self.approvals is not None else None,
            limits={name: value for name, value in asdict(self._limits()).items() if value != defaults[name]},
        )
        return await client.start_run(self.paths.root, document, secrets)

    def follow(self, run: str, since: int = 0) -> AsyncIterator[RunEvent]:
        """Replay a run's events after `since`, then follow it to its end. Leaving never stops the run."""
        return client.follow(self.paths.root, run, since)

    async def control(self, run: str, action: str, *, take_over: bool = False) -> str:
        """pause, continue, abort (with rollback) or leave (abort without) a live run; returns its answer.

        RunnerError when another front end controls it, unless `take_over`; the hand-over is recorded.
        """
        return await client.control(self.paths.root, run, action, take_over=take_over)

    def survival(self) -> client.Survival:
        """How a run started here outlives this session, with warnings in plain words where it does not."""
        return client.outlook(self.paths.root)

    async def resume(self, run: str, secrets: Secrets) -> str:
        """Go on with a run whose runner is gone."""
        return await client.resume_run(self.paths.root, run, secrets)

    async def rollback_outlook(self, run: str, secrets: Secrets) -> RollbackOutlook:
        """What a rollback of this run would undo and what lives on its pool, to be confirmed; touches nothing."""
        spec = self.spec_of(run)
        platform, access = catalog.platform(spec.platform), self.access(spec, secrets)
        return await outlook(self.paths, run, platform, spec, access)

    def rollback_plan(self, run: str) -> Plan:
        """The way back of a run as a plan that a second user can approve, where the administrator demands that."""
        view = self.show(run)
        head, _ = read_run(self.paths, run)
        require_something_to_undo(run, view.outcome, head.plan)
        return rollback_plan(run, head.plan, catalog.platform(head.platform))

    def rollback_text(self, outlook: RollbackOutlook) -> str:
        """The same for people."""
        return rollback_text(outlook)

    async def rollback(self, run: str, secrets: Secrets) -> str:
        """Take back what an interrupted or ended run did; a pool in use, or one that cannot be read, stays."""
        return await client.rollback_run(self.paths.root, run, secrets)

    async def verify(self, run: str, secrets: Secrets) -> str:
        """Look again at what an ended, unverified run made, and settle its outcome; changes nothing on a server."""
        return await client.verify_run(self.paths.root, run, secrets)

    def unverified_run(self, spec: BaseSpec) -> str:
        """The run that made this spec's pool and could not verify it; empty when there is none, or a later run worked
        on that pool."""
        for view in self.runs():  # newest first
            is_its = (view.platform, view.pool) == (spec.platform, spec.pool_name)
            if is_its and view.outcome is not Outcome.REFUSED and self._is_same_place(spec, view.run):
                return view.run if view.outcome is Outcome.CREATED_UNVERIFIED and not view.is_live else ""
        return ""

    def _is_same_place(self, spec: BaseSpec, run: str) -> bool:
        """Whether a run worked on the same servers below the same controller."""
        try:
            other = self.spec_of(run)
        except (PoolwrightError, ValidationError):
            return False
        return _places(spec) == _places(other)

    def spec_of(self, run: str) -> BaseSpec:
        """The spec a run was started with; JournalError for an unknown run, or one whose journal is damaged."""
        head, _ = read_run(self.paths, run)
        model = catalog.platform(head.platform).spec_model
        with intact(self.paths.journal(run), "its pool description"):
            return model.model_validate(head.spec)

    def runs(self) -> list[RunView]:
        """All runs, newest first, without their steps."""
        return client.list_runs(self.paths.root)

    def last_words(self, run: str) -> tuple[str, str]:
        """Why a run's runner died and what to do, in its own words; empty when it said nothing. Blocking, seconds."""
        return client.last_words(self.paths.root, run)

    def show(self, run: str) -> RunView:
        """One run, folded from its journal."""
        return client.show_run(self.paths.root, run)
