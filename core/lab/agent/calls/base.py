"""The table of calls: name -> function (Call, arguments). A refusal is a CallRefusedError, None is nil."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from core.lab import faults
from core.lab.agent.xmltree import Node, render
from core.lab.operations import CallRefusedError, pause
from core.lab.world import LabServer, World

TYPE_ERROR = "exceptions.TypeError"
_ESCAPED = {"Hostname", "OVM_Version", "model_name", "Pool_Alias", "Time_Zone"}


@dataclass(frozen=True, slots=True)
class Call:
    """Where a call runs."""

    world: World
    server: LabServer
    name: str = ""
    depth: int = 0  # how often it was dispatched

    def document(self, root: Node, *, encoding: str = "") -> str | None:
        """A document in the layout the switches say; the faults that spoil documents strike here."""
        if faults.active(self.world, "agent-nil", self.server, on=self.name) is not None:
            return None
        if faults.active(self.world, "agent-escape", self.server, on=self.name) is not None:
            _spoil(root)
        switches = self.world.switches
        text = render(
            root,
            indented=switches.indented_documents,
            short_empty=switches.short_empty_elements,
            encoding=encoding,
        )
        if faults.active(self.world, "agent-truncated-document", self.server, on=self.name) is not None:
            return text[: len(text) // 2]
        if faults.active(self.world, "agent-bomb", self.server, on=self.name) is not None:
            return _bomb(root.tag)
        return text

    def needs_owner(self) -> None:
        """Pool and cluster calls need an owner first; the text is INVENTED."""
        if self.server.owner is None:
            raise CallRefusedError("Server is not owned by any manager")


Function = Callable[..., Any]
TABLE: dict[str, Function] = {}


def agent_call(function: Function) -> Function:
    """Register a function under its own name; its parameters after the Call are the call's arguments."""
    TABLE[function.__name__] = function
    return function


async def run_call(call: Call, name: str, arguments: Sequence[Any]) -> Any:
    """Run one call; raises CallRefusedError for every exception inside, as the real agent turns all into faults."""
    function = TABLE.get(name)
    releases = getattr(function, "releases", ())
    if function is None or (releases and not call.server.release.startswith(releases)):
        raise CallRefusedError(f'method "{name}" is not supported')
    _check_count(name, function, len(arguments))
    await pause(call.world, call.world.latency_s.get("agent", 0.0))
    try:
        result = function(call, *arguments)
        return await result if inspect.isawaitable(result) else result
    except CallRefusedError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise CallRefusedError(str(error), exception=f"exceptions.{type(error).__name__}") from error


def _check_count(name: str, function: Function, given: int) -> None:
    parameters = list(inspect.signature(function).parameters.values())[1:]
    if any(item.kind is item.VAR_POSITIONAL for item in parameters):
        return
    most = len(parameters)
    least = sum(item.default is item.empty for item in parameters)
    if least <= given <= most:
        return
    bound, number = (
        ("exactly", most) if least == most else ("at least", least) if given < least else ("at most", most)
    )
    plural = "" if number == 1 else "s"
    text = f"{name}() takes {bound} {number} argument{plural} ({given} given)"
    raise CallRefusedError(text, exception=TYPE_ERROR)


def _spoil(item: Node) -> None:
    if item.tag in _ESCAPED:
        item.text += "".join(char for char in faults.ESCAPE_TEXT if char >= " ")
    for child in item.children:
        _spoil(child)


def _bomb(root: str) -> str:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "boom"}">' for n in range(10))
    return f'<?xml version="1.0" ?><!DOCTYPE {root} [{entities}]><{root}>&e9;</{root}>'
