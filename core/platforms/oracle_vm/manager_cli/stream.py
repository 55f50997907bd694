"""Where one reply ends in a stream of text: not at a prompt alone, since names may hold it (manager-cli 1.3). Pure."""

from __future__ import annotations

import re

from core.platforms.oracle_vm.manager_cli.parse import LINE_MAX_CHARS, split_lines, strip_prompt

_ESCAPE = r"(?:\x1b\[[0-9;?]{0,16}[A-Za-z])*"
_PROMPT_AT_END = re.compile(rf"(?:^|[\r\n]){_ESCAPE}OVM> ?{_ESCAPE}\Z")
_STATUS = re.compile(r"(?:^|[\r\n])Status:|</Result>", re.IGNORECASE)
_TAIL_CHARS = 256
_SECRET_WORD = re.compile(r"password", re.IGNORECASE)


class ReplyBuffer:
    """Chunks of one reply as they come; `line` is what was sent, to tell an echo from an answer."""

    def __init__(self, line: str, max_chars: int) -> None:
        self._line = _essence(line)
        self._max_chars = max_chars
        self._parts: list[str] = []
        self._size = 0
        self._tail = ""
        self._has_status = False
        self._has_text = False
        self._rest = ""  # the line that has not ended yet

    def feed(self, chunk: str) -> bool:
        """Take a chunk; False when the reply has become too large."""
        self._parts.append(chunk)
        self._size += len(chunk)
        window = self._tail + chunk
        self._has_status = self._has_status or _STATUS.search(window) is not None
        self._tail = window[-_TAIL_CHARS:]
        if not self._has_text:
            self._look_for_text(chunk)
        return self._size <= self._max_chars

    def forget(self) -> None:
        """Drop what came so far: it was not ours."""
        self._parts, self._size, self._tail, self._has_status = [], 0, "", False
        self._has_text, self._rest = False, ""

    @property
    def text(self) -> str:
        return "".join(self._parts)

    @property
    def has_status(self) -> bool:
        """A status line came: the command has ended over there."""
        return self._has_status

    @property
    def is_prompted(self) -> bool:
        """The prompt stands at the very end, on a line of its own."""
        return _PROMPT_AT_END.search(self._tail) is not None

    @property
    def has_text(self) -> bool:
        """Something came beside the echo and prompts."""
        return self._has_text or self._is_text(self._rest)

    def _look_for_text(self, chunk: str) -> None:
        """Each line is looked at once, when it has ended; one that does not end in reason is text."""
        if not (self._rest or chunk.strip()):
            return  # nothing but line ends and blanks
        lines = split_lines(self._rest + chunk)
        self._rest = lines.pop() if lines else ""
        self._has_text = len(self._rest) >= LINE_MAX_CHARS or any(
            self._is_text(line) for line in lines if line.strip()
        )

    def _is_text(self, line: str) -> bool:
        bare = _bare(line)
        return bool(bare) and _essence(bare) != self._line

    def is_whole(self, is_bare: bool) -> bool:
        """The prompt is back, and a status (or, for bare commands, a text) was seen."""
        return self.is_prompted and (self._has_status or (is_bare and self.has_text))

    def is_answer(self, command: str) -> bool:
        """The `Command:` line of a reply is what was sent, as far as it holds no secret; an absent one is believed."""
        seen = _essence(command)
        return seen in ("", self._line)


def _bare(line: str) -> str:
    return strip_prompt(line.lstrip()).strip()


def _essence(line: str) -> str:
    """Letters and digits of a line up to the first password: equal for a line, its echo and its `Command:`."""
    cut = _SECRET_WORD.search(line)
    return "".join(char for char in line[: cut.start() if cut else None].casefold() if char.isalnum())
