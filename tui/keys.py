"""Keys bound anew by the operator, and the command palette: every action by name. Knows no screen's business."""

from __future__ import annotations

import importlib
import pkgutil
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from textual.app import SystemCommand
from textual.binding import ActiveBinding, Binding
from textual.keys import KEY_NAME_REPLACEMENTS, KEY_TO_UNICODE_NAME, Keys
from textual.screen import Screen

from core.errors import SpecProblem
from core.text import nearest

if TYPE_CHECKING:
    from tui.app import PoolwrightApp

NEVER = ("app.quit",)  # the way out stays where it is


def take(app: PoolwrightApp, wanted: Mapping[str, str]) -> None:
    """Use the operator's keys (settings.toml, [keys]); a name that nothing has is told, and harms nothing."""
    if dict(wanted) == app.own_keys:
        return
    app.own_keys = {name: keys for name, keys in wanted.items() if name not in NEVER}
    app.set_keymap(app.own_keys)
    for bar in app.screen.query("KeyBar"):
        bar.refresh(layout=False)
    ignored = [name for name in wanted if name in NEVER]
    if ignored:
        app.tell(f"settings.toml: {', '.join(ignored)} cannot be bound anew", bad=True)


def problems(wanted: Mapping[str, str]) -> list[SpecProblem]:
    """What is wrong with the operator's keys: names that nothing has, and keys that no keyboard sends."""
    if not wanted:
        return []
    from core.settings import settings_file

    file = settings_file()
    names = _binding_names()
    found = [
        file.problem(("keys", name), f"nothing is called {name[:60]!r}", nearest(name, names))
        for name in wanted
        if name not in names
    ]
    return found + [
        file.problem(("keys", name), f"{key[:40]!r} is no key", nearest(key, _keys()))
        for name, keys in wanted.items()
        for key in keys.split(",")
        if not _is_key(key.strip())
    ]


def _binding_names() -> set[str]:
    """Every name that a key can be bound to, of all screens and parts of them."""
    import tui.app
    import tui.screens
    import tui.widgets

    modules = [tui.app]
    for package in (tui.screens, tui.widgets):
        found = pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
        modules += [importlib.import_module(each.name) for each in found]
    return {
        binding.id
        for module in modules
        for kind in vars(module).values()
        if isinstance(kind, type)
        for binding in vars(kind).get("BINDINGS", ())
        if isinstance(binding, Binding) and binding.id
    }


def _keys() -> list[str]:
    return [each.value for each in Keys if not each.value.startswith("<")]


def _is_key(key: str) -> bool:
    """Whether a keyboard can send this: a named key, a character, or either with modifiers."""
    *modifiers, last = key.split("+") if len(key) > 1 else [key]
    return set(modifiers) <= {"ctrl", "shift", "alt"} and (
        len(last) == 1
        or last in _keys()
        or key in _keys()
        or last in KEY_NAME_REPLACEMENTS.values()
        or _is_named(last)
    )


def _is_named(key: str) -> bool:
    """A character by its Unicode name, as Textual calls it: question_mark, slash."""
    try:
        unicodedata.lookup(KEY_TO_UNICODE_NAME.get(key, key.replace("_", " ")).upper())
    except KeyError:
        return False
    return True


def key_of(binding: Binding, own: Mapping[str, str]) -> str:
    """The first key of a binding, as the operator bound it."""
    return (own.get(binding.id or "") or binding.key).split(",", 1)[0].strip()


def name_of(key: str) -> str:
    """A key as operators read it: F8, ^S, Esc, /."""
    short = {
        "delete": "Del",
        "escape": "Esc",
        "slash": "/",
        "enter": "Enter",
        "space": "Space",
        "question_mark": "?",
    }
    if key.startswith("ctrl+"):
        return f"^{key.removeprefix('ctrl+').upper()}"
    return short.get(key) or (key.upper() if len(key) > 1 and key[0] == "f" and key[1:].isdigit() else key)


def commands(app: PoolwrightApp, screen: Screen[Any]) -> Iterator[SystemCommand]:
    """Steps of the wizard that are open, then every action of this screen, then what always works."""
    if app.has_session:
        from tui import wizard

        for step in wizard.STEPS:
            if wizard.is_open(step.id, app.session):
                yield SystemCommand(f"Go to {step.title}", step.heading, _go(app, step.id))
    found: dict[str, ActiveBinding] = {}
    names: dict[str, list[str]] = {}
    for active in screen.active_bindings.values():
        binding = active.binding
        if active.enabled and binding.id and binding.description and not binding.id.startswith("app."):
            _ = found.setdefault(binding.id, active)
            names.setdefault(binding.id, []).append(name_of(binding.key))
    for name, active in found.items():
        binding = active.binding
        about = f"{binding.tooltip or binding.description} ({', '.join(names[name])}; {name})"
        yield SystemCommand(binding.description, about, _run(active.node, binding.action))
    yield SystemCommand("Theme", "the next of dark, light and 16 colours (f12)", app.action_change_theme)
    yield SystemCommand("Quit", "leave; a run goes on by itself, answers are kept", app.exit)


def _go(app: PoolwrightApp, step_id: str) -> Callable[[], None]:
    return lambda: app.go(step_id)


def _run(node: Any, action: str) -> Callable[[], Any]:
    async def run() -> None:
        await node.run_action(action)

    return run
