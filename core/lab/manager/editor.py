"""The line editor of an interactive CLI session: characters in, what to echo and what to do out. No I/O."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

MAX_LINE = 64 * 1024  # characters; more are dropped, so that a client cannot fill the memory
MAX_HISTORY = 200  # lines
_BACKSPACE = "\x08 \x08"


class Act(Enum):
    """What the session does with an Input."""

    ECHO = "echo"  # print the text when there is a terminal
    LINE = "line"  # a whole line was entered
    HELP = "help"  # `?` was typed; the text is what stands before it
    INTERRUPT = "interrupt"  # Ctrl-C: forget the line
    END = "end"  # Ctrl-D on an empty line


@dataclass(frozen=True, slots=True)
class Input:
    """One thing that came out of the typed characters."""

    act: Act
    text: str = ""


@dataclass(slots=True)
class LineEditor:
    """Feed it characters as they arrive; a CR, LF or CR LF ends a line (manager-cli 1.4)."""

    text: str = ""
    history: list[str] = field(default_factory=list)
    _at: int | None = None  # place in the history while browsing
    _after_cr: bool = False
    _escape: str = ""

    def feed(self, typed: str) -> Iterator[Input]:
        """What the characters mean, in order; the caller may stop between two and go on later."""
        for char in typed:
            yield from self._one(char)

    def _one(self, char: str) -> Iterator[Input]:
        was_cr, self._after_cr = self._after_cr, char == "\r"
        if self._escape:
            yield from self._in_escape(char)
        elif char == "\x1b":
            self._escape = char
        elif char == "\r" or (char == "\n" and not was_cr):
            yield self._enter()
        elif char == "\n":
            return
        elif char in "\x08\x7f":
            yield from self._rub_out(1)
        elif char in "\x15\x17":
            yield from self._rub_out(len(self.text) if char == "\x15" else self._word_length())
        elif char == "\x03":
            self.text = ""
            yield Input(Act.INTERRUPT)
        elif char == "\x04":
            if not self.text:
                yield Input(Act.END)
        elif char == "?":
            yield Input(Act.HELP, self.text)
        elif (char == "\t" or char.isprintable()) and len(self.text) < MAX_LINE:
            self.text += char
            yield Input(Act.ECHO, char)

    def _enter(self) -> Input:
        line, self.text, self._at = self.text, "", None
        if line.strip():
            self.history = [*self.history[-MAX_HISTORY:], line]
        return Input(Act.LINE, line)

    def _rub_out(self, count: int) -> Iterator[Input]:
        count = min(count, len(self.text))
        if count:
            self.text = self.text[:-count]
            yield Input(Act.ECHO, _BACKSPACE * count)

    def _word_length(self) -> int:
        kept = self.text.rstrip().rfind(" ") + 1
        return len(self.text) - kept

    def _in_escape(self, char: str) -> Iterator[Input]:
        self._escape += char
        is_whole = char.isalpha() or char == "~"
        if self._escape == "\x1b[" or self._escape == "\x1bO" or (not is_whole and len(self._escape) < 16):
            return
        sequence, self._escape = self._escape, ""
        if sequence[1:] in ("[A", "OA"):
            yield from self._browse(-1)
        elif sequence[1:] in ("[B", "OB"):
            yield from self._browse(1)

    def _browse(self, step: int) -> Iterator[Input]:
        at = (len(self.history) if self._at is None else self._at) + step
        if not 0 <= at <= len(self.history):
            return
        yield from self._rub_out(len(self.text))
        self._at = at
        self.text = self.history[at] if at < len(self.history) else ""
        if self.text:
            yield Input(Act.ECHO, self.text)
