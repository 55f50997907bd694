"""Looks at one server through its agent: the login first, then every read-only call, a few at a time."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

from core.errors import CommandTimeout, LoginRefused, PoolwrightError, TransportError, TrustError
from core.facts.probe import Observed, absent, clean
from core.models.facts import Fact, PlaneFact, PlaneState
from core.models.gaps import Gap, GapKind
from core.platforms.oracle_vm.agent_rpc.client import AgentClient
from core.platforms.oracle_vm.endpoints import AGENT
from core.platforms.oracle_vm.planes import gap_of, plane_of, short_reason
from core.platforms.oracle_vm.probes.agent import CALLS, FIELDS, AgentCall, Answer
from core.text import inert

CALLS_AT_ONCE = 4  # each is a process of its own on the server (agent-rpc 1)
_HELLO = "poolwright"


class AgentLook:
    """What one agent told so far; `seen` and `plane` can be read at any time, also after a cancellation."""

    def __init__(self, client: AgentClient) -> None:
        self.client = client
        self.seen: Observed = {}
        self.plane = PlaneFact()
        self._slots = asyncio.Semaphore(CALLS_AT_ONCE)
        self._hangs = ""  # the call that got no answer in time; what was not asked by then is left out

    async def run(self) -> None:
        """Ask everything; never raises for the server's answers."""
        has_entered = await self._log_in()
        self._see_certificate()
        if not has_entered:
            return
        async with asyncio.TaskGroup() as group:
            for call in CALLS:
                group.create_task(self._ask(call))
        self._finish()

    def _see_certificate(self) -> None:
        """What the handshake showed, also where the login was refused."""
        shown = self.client.certificate
        reason = self.plane.reason or "no handshake with the agent was finished"
        kind = GapKind.NOT_TOLD if self.plane.state is PlaneState.OK else self.plane.gap(AGENT).kind
        fact = (
            absent("agent_certificate", Gap(kind=kind, connection=AGENT, text=reason))
            if shown is None
            else Fact[Any].seen(clean(shown), "agent TLS", datetime.now(UTC))
        )
        self.seen["agent_certificate"] = fact

    def _finish(self) -> None:
        """The plane is broken when it took the login and then told nothing that could be read."""
        warnings = self.client.warnings
        told = {name: fact for name, fact in self.seen.items() if name != "agent_certificate"}
        if any(fact.is_known for fact in told.values()):
            self.plane = self.plane.model_copy(update={"warnings": warnings})
            return
        reason = next((fact.missing for fact in told.values() if fact.missing), "it told nothing")
        self.plane = PlaneFact(state=PlaneState.BROKEN, reason=inert(reason, 400), warnings=warnings)

    async def _log_in(self) -> bool:
        """The password is sent for the first time here, once; what it leads to decides the plane."""
        try:
            reply = await self.client.call("echo", _HELLO)
        except PoolwrightError as error:
            self.plane = plane_of(error).model_copy(update={"warnings": self.client.warnings})
            self._miss_all(self._shut())
            return False
        if reply != _HELLO:
            self.plane = PlaneFact(state=PlaneState.BROKEN, reason="echo came back changed")
            self._miss_all(self._shut())
            return False
        self.plane = PlaneFact(state=PlaneState.OK, warnings=self.client.warnings)
        return True

    def _shut(self) -> Gap:
        return self.plane.gap(AGENT, short_reason("the agent", self.plane))

    def _miss_all(self, gap: Gap) -> None:
        for call in CALLS:
            self.seen |= call.probe.miss(gap)

    async def _ask(self, call: AgentCall) -> None:
        async with self._slots:
            found = await self._answer(call)
            if call.instead is not None and not any(fact.is_known for fact in found.values()):
                found = await self._answer(call.instead)
        for name, fact in found.items():
            known_before = name in self.seen and self.seen[name].is_known
            if not known_before or (fact.is_known and call.method.startswith("get_")):
                self.seen[name] = fact

    async def _answer(self, call: AgentCall) -> Observed:
        if self._hangs:
            reason = f"not asked: the agent did not answer {self._hangs} in time"
            source = f"{AGENT} {self._hangs}"
            return call.probe.miss(Gap(kind=GapKind.NOT_ASKED, connection=AGENT, source=source, text=reason))
        try:
            sent_s = time.time()
            value = await self.client.call(call.method, *call.args)
            answer = Answer(value, sent_s, time.time())
        except (LoginRefused, TrustError) as error:
            self.plane = plane_of(error)
            return call.probe.miss(self._shut())
        except TransportError as error:
            if isinstance(error, CommandTimeout):
                self._hangs = call.method
            gap = gap_of(error, AGENT)
            return call.probe.miss(gap.model_copy(update={"source": call.probe.source}))
        return call.probe.observe(answer, datetime.now(UTC))


def not_finished(look: AgentLook, gap: Gap) -> None:
    """Say of every field that was not reached why."""
    for name in FIELDS - look.seen.keys():
        for call in CALLS:
            if name in call.probe.fields:
                look.seen[name] = call.probe.miss(gap.model_copy(update={"connection": AGENT}))[name]
                break
    if look.plane.state is PlaneState.NOT_ASKED:
        look.plane = PlaneFact(state=PlaneState.BROKEN, reason=gap.text)
