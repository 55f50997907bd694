"""Shape of addresses, host names and paths that an operator writes; what they mean is judged by checks. Pure."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator

_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_NAME_MAX = 253


def is_address(text: str) -> bool:
    """An IPv4 or IPv6 address as it is written."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def host_shape(text: str) -> str:
    """The text when it is an IP address or a host name; a ValueError that says why not."""
    if not text.strip():
        raise ValueError("must not be empty")
    if is_address(text):
        return text
    labels = text.removesuffix(".").split(".")
    if labels[-1].isdigit():
        raise ValueError(f"{shown(text)} is no IP address; each of its four numbers is 0 to 255")
    if len(text) > _NAME_MAX or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(f"{shown(text)} is neither an IP address nor a host name")
    return text


def export_shape(text: str) -> str:
    """The text when it is an absolute path; a ValueError that says why not."""
    if not text.startswith("/") or any(not " " < char <= "~" for char in text):
        raise ValueError(f"{shown(text)} is no absolute path (/export/poolfs)")
    return text


def tunnel_shape(text: str) -> str:
    """The text when it is `host:port` (`[::1]:port` for IPv6); a ValueError that says why not."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or not 0 < int(port[:6]) <= 65535:
        raise ValueError(f"{shown(text)} is no host:port")
    host_shape(host[1:-1] if host.startswith("[") and host.endswith("]") else host)
    return text


def shown(text: str) -> str:
    """A text of the operator as it may stand in a message: short, control characters written out."""
    return repr(text if len(text) <= 60 else f"{text[:60]}...")


Host = Annotated[str, AfterValidator(host_shape)]
Tunnel = Annotated[str, AfterValidator(tunnel_shape)]
ExportPath = Annotated[str, AfterValidator(export_shape)]
