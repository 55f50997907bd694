"""Nobody answers when a step must be looked at: ask the operator, keep looking, and decide when no word comes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from core.engine.control import Control, Wish
from core.engine.journal import Entry, Journal
from core.engine.reading import EngineLimits, Patience
from core.engine.step import Look
from core.models.events import EventKind
from core.models.plan import PlannedStep

ANSWERS = {
    "retry": "look again now",
    "abort": "take back what was done",
    "leave": "stop and undo nothing",
}


class Asking:
    """Holds a step whose world is out of reach until it can be looked at, the operator decides, or time is up.

    The safe default, when nobody says a word within question_s, is what a step that cannot be looked at always
    meant: it counts as failed, and the run is taken back as far as it can be reached.
    """

    def __init__(self, journal: Journal, control: Control, limits: EngineLimits) -> None:
        self._journal, self._control, self._limits = journal, control, limits
        self._once = Patience(replace(limits, read_attempts=1))
        self._turn = asyncio.Lock()  # one question at a time

    async def until_seen(
        self, planned: PlannedStep, look: Look, again: Callable[[], Awaitable[Look]]
    ) -> Look:
        """The first look that somebody answered, else the last one that nobody did."""
        if not look.is_unreachable or self._limits.question_s <= 0:
            return look
        async with self._turn:
            self._ask(planned, look)
            look = await self._wait(look, again)
            word, text = self._answer(look)
            self._journal.write(Entry(EventKind.ANSWER, text, planned.id, word))
        return look

    def _ask(self, planned: PlannedStep, look: Look) -> None:
        limits = self._limits
        self._control.forget_word()
        answers = "; ".join(f"{word}: {meaning}" for word, meaning in ANSWERS.items())
        text = (
            f"cannot see what became of `{planned.title}`: {look.detail}. {answers}. It is looked at again every"
            f" {limits.question_look_s:g} s; without a word it counts as failed after {limits.question_s:g} s"
        )
        data = {"answers": ANSWERS, "default": "abort", "limit_s": limits.question_s}
        self._journal.write(Entry(EventKind.QUESTION, text, planned.id, "asked", data))

    async def _wait(self, look: Look, again: Callable[[], Awaitable[Look]]) -> Look:
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._limits.question_s
        while look.is_unreachable and not self._control.is_ending and (left_s := deadline - clock()) > 0:
            await self._control.word(min(self._limits.question_look_s, left_s))
            if not self._control.is_ending:
                look = await self._once.look(again)
        return look

    def _answer(self, look: Look) -> tuple[str, str]:
        wish = self._control.wish
        if not look.is_unreachable:
            return "seen", "somebody answers again"
        if wish is Wish.STOP:
            return "stop", "the runner was asked to end; the step stays in doubt"
        if self._control.is_ending:
            return wish, f"the operator said: {wish}"
        return "abort", f"nobody answered within {self._limits.question_s:g} s: the step counts as failed"
