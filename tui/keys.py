"""Keys bound anew by the operator, and the command palette: every action by name. Knows no screen's business."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from textual.app import SystemCommand
from textual.binding import ActiveBinding, Binding
from textual.screen import Screen

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
