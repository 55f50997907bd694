"""XML-RPC as the agent marshals it: i8 for longs, and bare nil."""

from __future__ import annotations

import re
import xmlrpc.client
from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from core.lab.operations.reach import CallRefusedError

EXPAT = "xml.parsers.expat.ExpatError"
HEAD = "<?xml version='1.0'?>\n"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_REJECTED = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)


class Long(int):
    """An integer that Python 2 would hold as a long; it travels as <i8> (agent-rpc 2)."""


def parse_call(body: bytes) -> tuple[str, tuple[Any, ...]]:
    """Method name and arguments of a request; raises CallRefusedError for what is no XML-RPC call."""
    if _REJECTED.search(body):
        raise CallRefusedError("document type declarations are not accepted", exception=EXPAT)
    try:
        arguments, method = xmlrpc.client.loads(body, use_builtin_types=True)
    except Exception as error:
        raise CallRefusedError(str(error) or type(error).__name__, exception=EXPAT) from error
    if not isinstance(method, str):
        raise CallRefusedError("no method name", exception="exceptions.TypeError")
    return method, tuple(arguments)


def reply(value: object) -> bytes:
    """A whole methodResponse for one value."""
    return (
        f"{HEAD}<methodResponse>\n<params>\n<param>\n{_value(value)}\n</param>\n</params>\n</methodResponse>\n"
    ).encode()


def fault_reply(text: str, code: int = 1) -> bytes:
    """A whole methodResponse for a fault."""
    struct = _value({"faultCode": code, "faultString": text})
    return f"{HEAD}<methodResponse>\n<fault>\n{struct}\n</fault>\n</methodResponse>\n".encode()


def _value(value: object) -> str:
    return f"<value>{_bare(value)}</value>"


def _bare(value: object) -> str:
    if value is None:
        return "<nil/>"
    if isinstance(value, bool):
        return f"<boolean>{int(value)}</boolean>"
    if isinstance(value, int):
        is_long = isinstance(value, Long) or not -(2**31) <= value < 2**31
        return f"<i8>{int(value)}</i8>" if is_long else f"<int>{value}</int>"
    if isinstance(value, float):
        return f"<double>{value!r}</double>"
    if isinstance(value, str):
        return f"<string>{escape(_CONTROL.sub('?', value))}</string>"
    if isinstance(value, Mapping):
        members = "".join(
            f"<member>\n<name>{escape(str(name))}</name>\n{_value(item)}\n</member>\n"
            for name, item in value.items()
        )
        return f"<struct>\n{members}</struct>"
    if isinstance(value, Sequence):
        items = "".join(f"{_value(item)}\n" for item in value)
        return f"<array><data>\n{items}</data></array>"
    raise CallRefusedError(f"cannot marshal {type(value)} objects", exception="exceptions.TypeError")
