"""The same wizard as prompts and lines: for terminals that cannot show screens, and for screen readers.

Same session, same order, same gates; no colour, no cursor movement, one thing a line.
"""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TextIO

from core.errors import ExitCode, PoolwrightError
from core.models.results import Verdict
from tui import wizard
from tui.answers import Answers
from tui.borrow import expand_servers, inert, operator, read_list
from tui.bridge import Bridge
from tui.fields import FormField, is_shown
from tui.items import CALM, Item
from tui.plain_lines import INDENT, finding_lines, plan_lines, result_lines
from tui.plain_talk import HELP, Back, Leave, Talk
from tui.reach import NOTHING_NEW
from tui.session import REASON_MIN, WAIVER_DAYS, Session
from tui.theme import SURVIVES, look
from tui.trust import UNREACHED

if TYPE_CHECKING:
    from core.secrets import Secrets
    from core.service import Service

SERVERS_HELP = (
    "names, addresses or ranges such as ovs[01-16].example.com; -NAME drops one; @FILE takes a file of servers; "
    "@manager takes those that Manager knows and that are in no pool; Enter ends the list"
)


class Plain(Talk):
    """One pass through the wizard on lines."""

    def __init__(
        self,
        session: Session,
        *,
        out: TextIO | None = None,
        read: Callable[[str], str] = input,
        read_secret: Callable[[str], str] = getpass.getpass,
    ) -> None:
        super().__init__(session, out=out, read=read)
        self.read_secret = read_secret
        self.runner = asyncio.Runner()

    def run(self) -> ExitCode:
        """From the first step to the last; the exit code."""
        actions = {
            "connect": self._connect,
            "pool": self._form,
            "servers": self._servers,
            "storage": self._form,
            "compatibility": self._compatibility,
            "review": self._review,
        }
        here: str | None = wizard.IDS[0]
        self.say(HELP)
        with self.runner:
            try:
                while here is not None and here in actions:
                    here = self._step(here, actions[here])
                return self._follow(self.session.run)
            except (Leave, KeyboardInterrupt):
                self.say()
                self.say("left; a run that was started goes on by itself")
                return ExitCode.INTERRUPTED

    def _step(self, step_id: str, action: Callable[[str], None]) -> str | None:
        step = wizard.step(step_id)
        self.say()
        self.say(f"== {wizard.IDS.index(step_id) + 1} of {len(wizard.IDS)}: {step.title}. {step.heading}")
        try:
            action(step_id)
        except Back:
            return wizard.before(step_id) or step_id
        missing = wizard.missing(step_id, self.session)
        if not missing:
            return wizard.after(step_id)
        for each in missing:
            self.say(f"missing: {inert(each)}")
        self.ask("Enter asks again:")
        return step_id

    # -- forms

    def _form(self, step_id: str) -> None:
        for name in wizard.step(step_id).sections:
            for field in self.session.sections.get(name, ()):
                if is_shown(field, self.session.answers.flat) and not field.is_advanced:
                    self._field(step_id, field)

    def _field(self, step_id: str, field: FormField) -> None:
        answers = self.session.answers
        old = answers.flat.get(field.path, field.default)
        unit = f" ({field.unit})" if field.unit else ""
        choices = f" {{{'|'.join(field.choices)}}}" if 0 < len(field.choices) <= 8 else ""
        about = f"{field.help}{'; rule ' + field.rule if field.rule else ''}{choices}"
        while True:
            answer = self.ask(f"{field.label}{unit}{choices} [{inert(old)}]:", about)
            value = old if answer == "" else "" if answer == "-" else answer
            if field.choices and value not in field.choices:
                self.say(f"not one of: {', '.join(field.choices)}")
                continue
            answers.set(field.path, value)
            wrong = [
                each
                for each in wizard.problems_of(step_id, self.session)
                if each.field == field.path and (value or field.is_required)
            ]
            if not wrong:
                return
            self.say(wizard.say(wrong[0]))

    def _connect(self, step_id: str) -> None:
        self._form(step_id)
        self._secrets()

    def _secrets(self) -> None:
        for name, label, about in self.session.secrets_needed():
            if name in self.session.secrets and name not in self.session.refused:
                self.say(f"{label}: given")
                continue
            value = self.read_secret(f"{label} ({about}): ")
            if value:
                self.session.give_secret(name, value)

    # -- trust and servers

    def _trust(self, is_settled: Callable[[], bool] | None = None) -> None:
        """Show every identity and have the new ones confirmed by their count, until all that is named is settled."""
        is_settled = is_settled or self.session.is_trusted
        trust = self.session.trust
        while not is_settled():
            self.say("asking every server for its identity; no secret is sent")
            for each in self.runner.run(self.session.look_at_identities()):
                shown = each.fingerprint or each.reason
                self.say(
                    f"{look(each.state.value).word}: {each.endpoint.server} {each.endpoint.plane} {inert(shown)}"
                )
            if trust.of("changed"):
                self.say("an identity has changed: nothing goes on until you know why")
                raise Leave
            if trust.is_jump_in_the_way:
                self.say("the jump host could not be reached, so nothing behind it was asked")
                self.ask("Enter asks again, < goes back:")
                continue
            if unreached := len(trust.of(UNREACHED)):
                self.say(f"{unreached} could not be reached; they are asked for again when they answer")
            new = len(trust.of("new"))
            if new and self.ask(f"Type {new} to trust the {new} new ones:") != str(new):
                self.say("not confirmed")
                raise Back
            self.session.confirm_identities()

    def _servers(self, step_id: str) -> None:
        names = self.session.answers.servers
        self.say(f"{len(names)} servers: {', '.join(names) or 'none yet'}")
        while answer := self.ask("Add servers (Enter goes on, ? tells how):", SERVERS_HELP):
            try:
                self._edit_servers(answer)
            except PoolwrightError as error:
                self.say(str(error))
        self._form(step_id)
        if not self.session.answers.servers or self.session.draft() is None:
            return
        self._trust()
        self._check()

    def _edit_servers(self, answer: str) -> None:
        names = self.session.answers.servers
        if answer.startswith("-"):
            self.session.answers.set_servers([name for name in names if name != answer[1:].strip()])
        elif answer == "@manager":
            self._servers_of_manager()
        else:
            self._add(read_list(answer[1:].strip()) if answer.startswith("@") else answer)
        self.say(f"{len(self.session.answers.servers)} servers")

    def _add(self, text: str) -> None:
        more, wrong = expand_servers(text)
        self.session.answers.set_servers([*self.session.answers.servers, *more])
        for each in wrong:
            self.say(inert(each))

    def _servers_of_manager(self) -> None:
        if self.session.controller_spec() is not None:
            self._trust(self.session.is_controller_trusted)
        self.say("asking Manager for its servers")
        names = self.runner.run(self.session.known_servers())
        for name in names:
            self.say(f"{INDENT}{inert(name)}")
        if not names:
            self.say("Manager knows no further server that is in no pool")
        elif self.ask(f"Type yes to add these {len(names)}:") == "yes":
            self._add("\n".join(names))

    def _check(self) -> None:
        if self.session.is_fresh:
            return
        self._secrets()
        self.say(f"looking at {len(self.session.answers.servers)} servers")
        self.runner.run(self.session.check())
        if self.session.error:
            self.say(f"problem: {self.session.error}")
        self._say_findings()

    def _say_findings(self) -> None:
        findings = self.session.findings()
        told: list[Item] = [*self.session.causes()]
        told = [*told, *(each for each in findings if each.verdict.value in CALM)] if told else [*findings]
        for found in told:
            for line in finding_lines(found):
                self.say(line)
        passed = sum(each.verdict is Verdict.PASS for each in self.session.results.values())
        self.say(f"{passed} checks passed")

    def _compatibility(self, _step_id: str) -> None:
        self._check()
        matrix = self.session.compatibility()
        for group in matrix.get("groups", ()):
            self.say(f"group {inert(group['name'])}: {', '.join(group['servers'])}")
        for source, row in matrix.get("cells", {}).items():
            for target, cell in row.items():
                if cell["verdict"] != "allowed":
                    word = look(cell["verdict"]).word
                    self.say(f"{word}: from {source} to {target}: {inert(cell['text'])}")
        self.ask("Enter goes on:")

    # -- review, run, done

    def _review(self, step_id: str) -> None:
        if self.session.draft() is not None:
            self._trust()
        self._check()
        self._accept()
        self._waive()
        if wizard.missing(step_id, self.session):
            return
        plan = self.session.plan()
        if plan is None:
            self.say(self.session.plan_error)
            return
        for line in plan_lines(plan):
            self.say(line)
        survival = self.session.service.survival()
        self.say(f"{SURVIVES[survival.survives]}: {inert(survival.text)}")
        for warning in survival.warnings:
            self.say(f"warning: {inert(warning)}")
        self.say("Nothing has been changed yet.")
        if self.ask(f"Type {plan.pool} to create the pool:") != plan.pool:
            raise Back
        self.runner.run(self.session.start())

    def _accept(self) -> None:
        verdicts = self.session.verdicts()
        for found in verdicts.unaccepted if verdicts else ():
            for line in finding_lines(found):
                self.say(line)
            answer = self.ask(f"Type {found.id} to accept it, Enter to leave it open:")
            if answer and not self.session.accept(answer):
                self.say("that is not its id")

    def _waive(self) -> None:
        """Findings that stop the run may be answered for, with a reason, one by one."""
        while (verdicts := self.session.verdicts()) is not None and verdicts.refusals:
            for number, found in enumerate(verdicts.refusals, 1):
                self.say(f"in the way {number}: {found.id} {inert(found.target)}: {inert(found.detail)}")
            about = f"a finding that is answered for is waived for {WAIVER_DAYS} days; mending it is better"
            answer = self.ask("Number of a finding to answer for, Enter leaves them:", about)
            if not answer.isdecimal() or not 0 < int(answer) <= len(verdicts.refusals):
                return
            reason = self.ask("Why is it acceptable?", about)
            if len(reason) < REASON_MIN:
                self.say("a waiver needs a reason")
                continue
            self.session.waive([verdicts.refusals[int(answer) - 1].key], reason, operator())
            self.runner.run(self.session.check(NOTHING_NEW))

    def _answer(self, bridge: Bridge) -> None:
        """The run asks; Enter leaves the question open, it is looked at again by itself meanwhile."""
        words = ", ".join(bridge.answers)
        word = self.ask(f"Answer ({words}; Enter leaves it open):", bridge.question)
        bridge.question = ""
        if word in bridge.answers:
            try:
                self.say(self.runner.run(self.session.service.control(bridge.run, word)))
            except PoolwrightError as error:
                self.say(str(error))

    def _follow(self, run: str) -> ExitCode:
        self.say(f"run {run}; Ctrl-C leaves it to itself, `poolwright attach {run}` comes back")
        bridge = Bridge(self.session.service, run)
        bridge.on_line = self.say
        bridge.load()
        self.runner.run(bridge.follow(until_asked=True))
        while bridge.question:
            self._answer(bridge)
            self.runner.run(bridge.follow(until_asked=True))
        if bridge.ended is None:
            self.say(bridge.error)
            return ExitCode.INTERRUPTED
        for line in result_lines(bridge.ended):
            self.say(line)
        outcome = bridge.ended.outcome
        return outcome.exit_code if outcome else ExitCode.NEEDS_ATTENTION


def run_plain(
    service: Service,
    *,
    spec: Mapping[str, Any] | None = None,
    secrets: Secrets | None = None,
    hints: Mapping[str, str] | None = None,
) -> ExitCode:
    """The wizard on stdin and stdout; the exit code follows the outcome."""
    session = Session(service, Answers(spec) if spec is not None else None, secrets)
    plain = Plain(session)
    for title, text in (hints or {}).items():
        plain.say(f"{title}: {text}")
    try:
        return plain.run()
    except PoolwrightError as error:
        plain.say(str(error))
        return error.exit_code
