"""How the plain mode talks: one thing a line, one answer a prompt; saving at any of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TextIO

from core.errors import PoolwrightError
from tui import saving
from tui.borrow import expanded, inert, is_there, shown
from tui.session import Session

HELP = (
    "Enter keeps the value in brackets. Type ? for help, < to go back, - to empty a value, :quit to leave.\n"
    ":save spec, :save plan or :save runbook, with a file name behind it, writes a file at any prompt."
)


class Leave(Exception):
    """The operator leaves the wizard."""


class Back(Exception):
    """The operator goes back one step."""


class Talk:
    """Says lines and asks for them."""

    def __init__(
        self, session: Session, *, out: TextIO | None = None, read: Callable[[str], str] = input
    ) -> None:
        self.session = session
        self.out = out or sys.stdout
        self.read = read

    def say(self, text: str = "") -> None:
        """One line."""
        self.out.write(f"{shown(text)}\n")
        self.out.flush()

    def ask(self, prompt: str, about: str = "") -> str:
        """One answer; `?` explains, `<` goes back, `:quit` leaves."""
        while True:
            try:
                answer = self.read(f"{prompt} ").strip()
            except EOFError as error:
                raise Leave from error
            if answer == ":quit":
                raise Leave
            if answer == "<":
                raise Back
            if answer.split(maxsplit=1)[:1] == [":save"]:
                self.save(answer.split()[1:])
            elif answer != "?":
                return answer
            else:
                self.say(about or HELP)

    def save(self, words: Sequence[str]) -> None:
        """`:save KIND [FILE]`; a file that is there is replaced only when asked."""
        kinds = [each.value for each in saving.Kind]
        if not words or words[0] not in kinds:
            self.say(f"what shall be saved? :save {'|'.join(kinds)} [FILE]")
            return
        kind = saving.Kind(words[0])
        path = expanded(" ".join(words[1:]) or saving.default_name(self.session, kind))
        if is_there(path) and self.ask(f"{inert(path)} is there already; type yes to replace it:") != "yes":
            self.say("not saved")
            return
        try:
            saving.save(self.session, kind, path)
        except PoolwrightError as error:
            self.say(str(error))
        else:
            self.say(f"{kind.value} saved to {inert(path)}: {saving.ABOUT[kind]}")
