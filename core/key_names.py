"""What [keys] of settings.toml may say: names of the wizard's actions, and keys that a keyboard sends. Pure data.

The screen's own bindings and its library's keys are held against these by tests; core imports neither.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from core.errors import SpecProblem
from core.settings_file import SettingsFile
from core.text import nearest

_ACTIONS = """
app.palette app.quit app.quit_q app.theme choice.next choice.previous choice.submit dialog.cancel dialog.close
dialog.down dialog.up done.copy done.home findings.copy findings.problem form.down form.more form.up home.new
home.open home.runs list.find matrix.problem matrix.what_if review.accept review.check_one review.fold review.save
review.view review.waive run.abort run.answer run.attach run.detach run.pause runs.compare runs.mark runs.open
runs.resume runs.rollback servers.check_one servers.drop servers.filter servers.import servers.options
servers.problem servers.sort trust.visual wizard.back wizard.check wizard.help wizard.next
"""
ACTIONS = frozenset(_ACTIONS.split())
MODIFIERS = frozenset({"ctrl", "shift", "alt"})
_NAMED = (
    *("escape", "enter", "return", "tab", "space", "backspace", "insert", "delete", "home", "end"),
    *("pageup", "pagedown", "left", "right", "up", "down"),
    *(f"f{number}" for number in range(1, 25)),
)
_CHARACTERS = {  # names of characters that are not their Unicode names
    *("slash", "backslash", "at", "minus", "plus", "underscore"),
    *("hyphen_minus", "less_than_sign", "greater_than_sign"),
}
_SUCH_AS = "a key is called as f2, ctrl+n, x or question_mark are"
_OFTEN = (*_NAMED, *(f"ctrl+{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"))


def problems(wanted: Mapping[str, str], file: SettingsFile) -> list[SpecProblem]:
    """Names that nothing has and keys that no keyboard sends, with their places in the file."""
    found = [
        file.problem(("keys", name), f"nothing is called {name[:60]!r}", nearest(name, ACTIONS))
        for name in wanted
        if name not in ACTIONS
    ]
    return found + [
        file.problem(
            ("keys", name), f"{key.strip()[:40]!r} is no key", nearest(key.strip(), _OFTEN, _SUCH_AS)
        )
        for name, keys in wanted.items()
        for key in keys.split(",")
        if not is_key(key.strip())
    ]


def is_key(key: str) -> bool:
    """Whether a keyboard can send this: a named key, a character, or either with modifiers."""
    *modifiers, last = key.split("+") if len(key) > 1 else [key]
    return set(modifiers) <= MODIFIERS and (
        len(last) == 1 or last in _NAMED or last in _CHARACTERS or _is_character(last)
    )


def _is_character(name: str) -> bool:
    """A character by its Unicode name: question_mark, full_stop."""
    try:
        unicodedata.lookup(name.replace("_", " ").upper())
    except KeyError:
        return False
    return True
