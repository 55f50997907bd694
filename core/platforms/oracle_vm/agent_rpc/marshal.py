"""XML-RPC as the agent speaks it: standard-library marshalling behind a hardened parser. Pure."""

from __future__ import annotations

import re
import xmlrpc.client
from dataclasses import dataclass, field, replace
from typing import Any

from defusedxml.xmlrpc import DefusedExpatParser
from typing_extensions import override

from core.platforms.oracle_vm.agent_rpc.xml_tree import DEPTH_MAX, mended

ENVELOPE_DEPTH_MAX = 4 * DEPTH_MAX  # one level of a value is up to four elements
ELEMENTS_MAX = 500_000
_WRAPPED = re.compile(r"\A<(?:type|class) '([^']{1,200})'>\s*:?\s*(.*)\Z", re.DOTALL)
_PLAIN = re.compile(r"\A([A-Za-z_][\w.]{0,199}):(.*)\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class FaultReply:
    """A fault: the agent's exception. `type` and `message` are split from `text` in either spelling (agent-rpc 6.2)."""

    code: int
    text: str
    type: str
    message: str
    members: dict[str, Any] = field(
        default_factory=dict, compare=False, repr=False
    )  # the struct as it came, under its own names


def dump_call(method: str, args: tuple[Any, ...]) -> bytes:
    """The body of a call; arguments are positional."""
    return xmlrpc.client.dumps(args, method, allow_none=True).encode("utf-8")


def load_reply(data: bytes) -> Any:
    """The value of a reply (None for nil), or a FaultReply; ValueError when it is no reply.

    i8, nil, base64 (bytes) and dates (datetime) are understood.
    """
    text = data.decode("utf-8", "replace")
    try:
        values = _unmarshalled(mended(text))
    except _FaultSeenError as seen:
        return _fault_of(seen.members)
    except ValueError:
        raise
    except Exception as error:  # a hostile reply may raise anything in the decoder
        raise ValueError(f"no XML-RPC reply ({type(error).__name__})") from error
    if len(values) > 1:
        raise ValueError(f"a reply with {len(values)} values")
    return values[0] if values else None  # some libraries leave the parameter out for nothing


def _fault_of(members: Any) -> FaultReply:
    """A fault's struct, also one that lacks a member or has another type there."""
    if not isinstance(members, dict):
        return FaultReply(0, str(members), "", str(members), {"value": members})
    fault = parse_fault(members.get("faultCode"), str(members.get("faultString", "")))
    return replace(fault, members=members)


def parse_fault(code: Any, text: str) -> FaultReply:
    """Split a fault's text: `exceptions.Exception:why`, `<type 'exceptions.Exception'>:why`, or just why."""
    match = _WRAPPED.match(text) or _PLAIN.match(text)
    kind, message = (match[1], match[2]) if match else ("", text)
    return FaultReply(code if isinstance(code, int) else 0, text, kind, message.strip())


class _FaultSeenError(Exception):
    """The reply was a fault with this struct."""

    def __init__(self, members: Any) -> None:
        super().__init__("fault")
        self.members = members


class _Unmarshaller(xmlrpc.client.Unmarshaller):
    """The standard one, with limits; only the first envelope counts."""

    def __init__(self) -> None:
        super().__init__(use_datetime=False, use_builtin_types=True)
        self._depth = self._count = 0

    @override
    def start(self, tag: str, attrs: dict[str, str]) -> None:
        self._depth += 1
        self._count += 1
        if self._depth > ENVELOPE_DEPTH_MAX or self._count > ELEMENTS_MAX:
            raise ValueError(
                "it is too deep" if self._depth > ENVELOPE_DEPTH_MAX else "it has too many elements"
            )
        if self._count == 1 and tag != "methodResponse":
            raise ValueError("no XML-RPC reply")
        super().start(tag, attrs)

    @override
    def end(self, tag: str, *rest: Any) -> None:
        self._depth -= 1
        super().end(tag, *rest)

    @override
    def close(self) -> tuple[Any, ...]:
        if self._type == "fault" and self._stack:
            raise _FaultSeenError(self._stack[0])
        return super().close()


def _unmarshalled(text: str) -> tuple[Any, ...]:
    target = _Unmarshaller()
    parser = DefusedExpatParser(target, forbid_dtd=True)
    parser.feed(text)
    parser.close()
    values: tuple[Any, ...] = target.close()
    return values
