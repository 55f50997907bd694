"""One pass through the wizard: answers, identities, live results, plan, run. Talks to the service; knows no widget.

Screens and the plain mode stand on it alike. A change of anything shown raises `version`, so that drawing can wait
for its timer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from core.errors import PoolwrightError, SpecProblem
from core.models.coverage import CoverageReport
from core.models.facts import PlaneState, ServerFacts
from core.models.fleet import FleetFacts
from core.models.plan import Plan
from core.models.results import Cause, CheckResult, Verdict
from core.models.spec import BaseSpec
from core.secrets import Secrets
from core.service import Checked, Service, Verdicts
from tui.answers import Answers
from tui.book import Book
from tui.borrow import inert
from tui.fields import FormField, build, is_shown
from tui.reach import EVERYTHING, Reach, reach_of
from tui.sketch import sketch
from tui.theme import rank
from tui.trust import CONTROLLER, Trust

if TYPE_CHECKING:
    from core.transports.trust import Identity

SPEC_ONLY = ("accept", "waivers")  # parts of the spec whose change leaves the facts as they are
SAFE_SECTIONS = ("pool", "storage")  # forms whose answers never change how servers are reached
REASON_MIN = 3  # letters of a reason that can be taken for one
WAIVER_DAYS = 90  # a waiver given in the wizard ends by itself
TRIES = 3  # servers asked one by one until one of them answers to an untried secret


class Activity(StrEnum):
    """What goes on in the background."""

    IDLE = "idle"
    CHECKING = "checking"


class Session:
    """State and actions of the wizard over one service."""

    def __init__(
        self, service: Service, answers: Answers | None = None, secrets: Secrets | None = None
    ) -> None:
        self.service = service
        self.answers = answers or Answers()
        self.secrets = secrets or Secrets()
        self.platform = service.platform(str(self.answers.base.get("platform", "oracle_vm")))
        self.sections: dict[str, tuple[FormField, ...]] = {}
        self.version = 0
        self.activity = Activity.IDLE
        self.error = ""  # the last failure of a background action, for the status line
        self.trust = Trust(service, self.platform.endpoints)
        self.proved: set[str] = set()  # secrets a server took
        self.refused: set[str] = (
            set()
        )  # secrets a server refused: nothing is tried until they are typed again
        self.servers: dict[str, ServerFacts] = {}
        self.results = Book()
        self.checked: Checked | None = None
        self._checked_hash = ""
        self._checked_spec: BaseSpec | None = None
        self._folded: tuple[object, tuple[Cause, ...], CoverageReport] | None = None
        self.plan_error = ""
        self._wanted_hash = ""
        self._turn = 0
        self.run = ""
        self.run_has_ended = False
        self._judged: tuple[int, tuple[SpecProblem, ...]] | None = None
        self._verdicts: tuple[Checked, tuple[int, tuple[str, ...]], Verdicts] | None = None
        self._drafted: tuple[int, BaseSpec | None] | None = None
        self._hashed: tuple[int, str] | None = None
        self._build_forms()

    def _build_forms(self) -> None:
        model = self.platform.spec_model
        for section in self.platform.sections:
            self.sections[section.id] = tuple(
                field for field in build(model, section.fields) if not field.path.startswith("servers")
            )
        self.answers.use_fields([field for fields in self.sections.values() for field in fields])

    def fields(self, *section_ids: str) -> list[FormField]:
        """The inputs of some forms that exist under the present answers."""
        return [
            field
            for name in section_ids
            for field in self.sections.get(name, ())
            if is_shown(field, self.answers.flat)
        ]

    # -- the spec

    def spec(self) -> BaseSpec:
        """The whole spec, judged by everything it alone tells; SpecError has all problems."""
        return self.service.parse(self.answers.data)

    def problems(self) -> tuple[SpecProblem, ...]:
        """Everything the answers alone tell to be wrong or missing; judged once per change."""
        key = self.answers.revision
        if self._judged is None or self._judged[0] != key:
            self._judged = (key, self.service.problems(self.answers.data))
        return self._judged[1]

    def draft(self) -> BaseSpec | None:
        """The spec by shape only: enough to look at servers while later answers are still open. None: not yet."""
        if self._drafted is None or self._drafted[0] != self.answers.revision:
            self._drafted = (self.answers.revision, self._validated())
        return self._drafted[1]

    def _validated(self) -> BaseSpec | None:
        try:
            return self.platform.spec_model.model_validate(self.answers.data)
        except ValidationError:
            return None

    def sketch(self) -> BaseSpec | None:
        """A spec with placeholders for what is missing: only to ask which secrets will be needed, never to connect."""
        if (draft := self.draft()) is not None:
            return draft
        return sketch(self.platform.spec_model, self.answers.data)

    def secrets_needed(self) -> list[tuple[str, str, str]]:
        """(name, label, help) of each secret the answers call for."""
        spec = self.sketch()
        return (
            []
            if spec is None
            else [(each.name, each.label, each.help) for each in self.platform.secrets_needed(spec)]
        )

    def missing_secrets(self) -> list[str]:
        """Labels of the secrets that are needed and not given, refused and not typed again, or cannot be sent."""
        return list(self._lacking_secrets().values())

    def _lacking_secrets(self) -> dict[str, str]:
        """The same by the secret's name."""
        return {
            name: f"{label} ({trouble})"
            for name, label, _help in self.secrets_needed()
            if (trouble := self._secret_trouble(name))
        }

    def _secret_trouble(self, name: str) -> str:
        if name in self.refused:
            return "refused, type it again"
        value = self.secrets.get(name)
        if value is None:
            return "not given"
        return self.service.secret_problem(self.platform.name, name, value) or ""

    def give_secret(self, name: str, value: str) -> None:
        """A secret was typed and confirmed with Enter."""
        if value == (self.secrets.get(name) or "") and name not in self.refused:
            return
        self.secrets = self.secrets.with_(name, value)
        self.refused.discard(name)
        self.proved.discard(name)
        self.touch()

    # -- trust

    def is_trusted(self) -> bool:
        """Is the identity of everything the answers name settled: confirmed, or not to be had for now?"""
        spec = self.draft()
        return spec is not None and self.trust.settles(spec)

    def controller_spec(self) -> BaseSpec | None:
        """The spec without its servers: enough to ask the controller for those it knows. None: not yet."""
        if any(
            each.is_required and not self.answers.flat.get(each.path, "").strip()
            for each in self.fields("connect")
        ):
            return None
        spec = self.sketch()
        return None if spec is None else spec.model_copy(update={"servers": ()})

    def is_controller_trusted(self) -> bool:
        """Is the controller's identity settled?"""
        spec = self.controller_spec()
        return spec is not None and self.trust.settles(spec)

    async def known_servers(self) -> tuple[str, ...]:
        """Servers the controller knows and that are not named yet; PoolwrightError with the reason when it is not
        asked."""
        spec = self.controller_spec()
        if spec is None:
            raise PoolwrightError("cannot ask Manager: it is not named yet", fix="F7 goes back to Connect")
        missing = self._lacking_secrets().get(CONTROLLER)
        if missing:
            raise PoolwrightError(f"cannot ask Manager: {missing}", fix="F7 goes back to Connect")
        known = await self.service.known_servers(spec, self.secrets)
        return tuple(name for name in known if name not in self.answers.servers)

    async def look_at_identities(self) -> list[Identity]:
        """Fetch the identities of everything named so far; sends no secret."""
        seen = await self.trust.look(self.draft() or self.controller_spec(), self.secrets)
        self.touch()
        return seen

    def confirm_identities(self) -> None:
        """Pin all new ones; refuses while a changed one is there."""
        self.trust.confirm()
        self.touch()

    # -- live checks

    def why_no_check(self) -> str:
        """Why the servers cannot be looked at now; empty when they can."""
        if not self.answers.servers:
            return "no servers yet"
        if self.draft() is None:
            return "answers above are missing"
        if missing := self.missing_secrets():
            return missing[0]
        if not self.is_trusted():
            return "identities are not confirmed"
        return ""

    def facts_hash(self) -> str:
        """What the facts depend on: every answer but acceptances."""
        if self._hashed is None or self._hashed[0] != self.answers.revision:
            data = {name: value for name, value in self.answers.data.items() if name not in SPEC_ONLY}
            text = json.dumps(data, sort_keys=True, default=str)
            self._hashed = (self.answers.revision, hashlib.sha256(text.encode()).hexdigest())
        return self._hashed[1]

    @property
    def is_fresh(self) -> bool:
        """Do the results belong to the present answers?"""
        return self.checked is not None and self._checked_hash == self.facts_hash()

    @property
    def is_current(self) -> bool:
        """Are the results of the present answers there, or on their way?"""
        if self.activity is Activity.CHECKING:
            return self._wanted_hash == self.facts_hash()
        return self.is_fresh

    def announce_check(self) -> None:
        """A check of the present answers is about to start; an older one no longer counts."""
        self.activity, self.error = Activity.CHECKING, ""
        self._wanted_hash = self.facts_hash()
        self._turn += 1
        self.touch()

    def reach(self, only: Sequence[str] | None = None, checks: Sequence[str] | None = None) -> Reach:
        """How far a check must go: as asked for where the rest is of the present answers, else everything.

        A look at one server alone, with nothing known of its peers, would leave what servers say of each other open.
        """
        if (only is None and checks is None) or not self.is_fresh or not self._is_proved():
            return EVERYTHING
        return Reach(tuple(only) if only is not None else None, checks=tuple(checks) if checks else None)

    def reach_of_edit(self) -> Reach:
        """How far the edits since the last whole look reach."""
        spec = self.draft()
        if spec is None or self._checked_spec is None or self.checked is None or not self._is_proved():
            return EVERYTHING
        paths = [field.path for name in SAFE_SECTIONS for field in self.sections.get(name, ())]
        return reach_of(self._checked_spec, spec, paths)

    async def check(self, reach: Reach = EVERYTHING) -> None:
        """Look and judge; results appear as they come. Errors end in `error`, never in an exception."""
        why = self.why_no_check()
        spec = self.draft()
        if why or spec is None:
            self.error = why
            self.activity = Activity.IDLE
            self.touch()
            return
        self.announce_check()
        wanted, turn = self._wanted_hash, self._turn
        if reach == EVERYTHING:
            self.servers, self.results, self.checked = {}, Book(), None
        self.touch()
        try:
            checked = await self._look(spec, reach)
            if checked is not None:
                self._take(checked, wanted)
                self._checked_spec = spec
        except PoolwrightError as error:
            self.error = inert(error)
        finally:
            if turn == self._turn:  # not overtaken by a newer one
                self.activity = Activity.IDLE
            self.touch()

    async def _look(self, spec: BaseSpec, reach: Reach) -> Checked | None:
        """One server alone while a secret is untried; all that was asked for only when it was not refused.

        That one is looked at again with the others: what servers tell about each other needs all of them.
        """
        names = reach.only if reach.only is not None else spec.server_names
        for name in names[:TRIES]:
            if self._is_proved():
                break
            first = await self._ask(spec, Reach((name,)), self.checked)
            self._learn_secrets(first.fleet)
            if self.refused:
                which = ", ".join(sorted(self.refused))
                self.error = f"login refused: {which}; nothing more is tried until it is typed again"
                self._take(first, "")
                return None
        checked = await self._ask(spec, reach, self.checked if reach != EVERYTHING else None)
        self._learn_secrets(checked.fleet)
        return checked

    async def _ask(self, spec: BaseSpec, reach: Reach, base: Checked | None) -> Checked:
        return await self.service.check(
            spec,
            self.secrets,
            only=reach.only,
            checks=reach.checks,
            touched=reach.touched,
            base=base,
            on_server=self._on_server,
            on_result=self._on_result,
        )

    def _is_proved(self) -> bool:
        return all(
            name in self.proved for name, _label, _help in self.secrets_needed() if name in ("agent", "ssh")
        )

    def _learn_secrets(self, fleet: FleetFacts) -> None:
        planes = [
            (name, plane.state) for facts in fleet.servers.values() for name, plane in facts.planes.items()
        ]
        planes.append((CONTROLLER, fleet.controller.state))
        for name, state in planes:
            if state is PlaneState.OK:
                self.proved.add(name)
        for name, state in planes:
            if state is PlaneState.REFUSED and name not in self.proved and name in self.secrets:
                self.refused.add(name)

    def _take(self, checked: Checked, wanted: str) -> None:
        self.checked, self._checked_hash = checked, wanted
        self.trust.reconsider(checked.fleet)
        self.servers = dict(checked.fleet.servers)
        self.results = Book(checked.results)

    async def _on_server(self, facts: ServerFacts) -> None:
        self.servers[facts.name] = facts
        self.results.dirty.add(facts.name)
        self.touch()

    async def _on_result(self, result: CheckResult) -> None:
        self.results[result.key] = result
        self.touch()

    def findings_of(self, server: str) -> list[CheckResult]:
        """Results that concern one server, worst first."""
        return sorted(
            self.results.of(server), key=lambda each: (rank(each.verdict.value), each.severity.value, each.id)
        )

    def findings(self) -> list[CheckResult]:
        """Everything that is not simply good, worst first."""
        quiet = (Verdict.PASS, Verdict.NOT_APPLICABLE)
        found = [each for each in self.results.values() if each.verdict not in quiet]
        return sorted(
            found, key=lambda each: (rank(each.verdict.value), each.severity.value, each.id, each.target)
        )

    def causes(self) -> tuple[Cause, ...]:
        """What is wrong or not known, folded to root causes; empty before a whole look."""
        folded = self._fold()
        return folded[1] if folded else ()

    def coverage(self) -> CoverageReport | None:
        """How much is known; None before a whole look."""
        folded = self._fold()
        return folded[2] if folded else None

    def _fold(self) -> tuple[object, tuple[Cause, ...], CoverageReport] | None:
        checked, spec = self.checked, self.draft()
        if checked is None or spec is None:
            return None
        if self._folded is None or self._folded[0] is not checked:
            self._folded = (
                checked,
                self.service.causes(spec, checked),
                self.service.coverage(spec, checked),
            )
        return self._folded

    def stale(self) -> dict[tuple[str, str], str]:
        """Why results should be looked at again, by their key."""
        spec = self.draft()
        if self.checked is None or spec is None or self.activity is Activity.CHECKING:
            return {}
        before = self._checked_spec
        return {
            (each.id, each.target): each.why for each in self.service.stale(spec, self.checked, before=before)
        }

    # -- judging, planning, running

    def verdicts(self) -> Verdicts | None:
        """May it be applied? None while the answers are not usable or have no results yet."""
        if self.checked is None or not self.is_fresh or self.problems():
            return None
        key = (self.answers.revision, tuple(self.answers.accepted))
        made = self._verdicts
        if made is None or made[0] is not self.checked or made[1] != key:
            judged = self.service.judge(self.spec(), self.checked, accept=self.answers.accepted)
            made = self._verdicts = (self.checked, key, judged)
        return made[2]

    def accept(self, id_or_rule: str) -> bool:
        """Accept an unknown blocker or a vendor mix by its typed id; False when no open finding has that id."""
        verdicts = self.verdicts()
        wanted = id_or_rule.strip()
        for result in verdicts.unaccepted if verdicts else ():
            if wanted == result.id or wanted.upper() in result.rules:
                if wanted not in self.answers.accepted:
                    self.answers.accepted.append(result.id)
                self.touch()
                return True
        return False

    def waive(self, keys: Sequence[tuple[str, str]], reason: str, who: str) -> None:
        """Answer for results (check, target) with a reason; it ends by itself after WAIVER_DAYS."""
        until = datetime.now(UTC).date() + timedelta(days=WAIVER_DAYS)
        for check, target in keys:
            self.answers.add_waiver(
                {"check": check, "target": target, "reason": reason, "who": who, "until": str(until)}
            )
        self.touch()

    def plan(self) -> Plan | None:
        """The plan for the present answers; None (with `plan_error` set) when none can be made yet."""
        self.plan_error = ""
        if self.checked is None or not self.is_fresh:
            return None
        try:
            return self.service.plan(self.spec(), self.checked, accept=self.answers.accepted)
        except PoolwrightError as error:
            self.plan_error = inert(error)
            return None

    def compatibility(self, without: Sequence[str] = ()) -> dict[str, Any]:
        """Groups and matrix of the processors as the service tells them; empty before the first look.

        `without`: servers left out, to see what the pool would be without them.
        """
        spec = self.draft()
        if self.checked is None or spec is None:
            return {}
        fleet = self.checked.fleet
        kept = {name: facts for name, facts in fleet.servers.items() if name not in without}
        return self.service.compatibility(spec, fleet.model_copy(update={"servers": kept}))

    async def start(self) -> str:
        """Start the run and return its id; PoolwrightError when it cannot be started."""
        plan = self.plan()
        if plan is None:
            raise PoolwrightError(
                self.plan_error or "cannot start: there is no plan for the present answers", fix="check again"
            )
        self.run = await self.service.start(self.spec(), plan, self.secrets, accepted=self.answers.accepted)
        self.run_has_ended = False
        self.touch()
        return self.run

    def touch(self) -> None:
        """Something that is shown has changed."""
        self.version += 1
