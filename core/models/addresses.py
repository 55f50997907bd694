"""Shape of addresses, host names and paths that an operator writes; what they mean is judged by checks. Pure."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

_NAME_MAX = 253
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_END = r"(?![\s\S])"  # of the whole text: `$` would let a line end pass
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
_H16 = "[0-9a-fA-F]{1,4}"
_LS32 = rf"(?:{_H16}:{_H16}|{_IPV4})"
_IPV6 = "|".join(  # RFC 3986, IPv6address: what stands before `::`, and how many groups behind it
    [rf"(?:{_H16}:){{6}}{_LS32}"]
    + [
        rf"(?:(?:{_H16}:){{0,{before - 1}}}{_H16})?::(?:{_H16}:){{{5 - before}}}{_LS32}"
        if before
        else rf"::(?:{_H16}:){{5}}{_LS32}"
        for before in range(6)
    ]
    + [rf"(?:(?:{_H16}:){{0,5}}{_H16})?::{_H16}", rf"(?:(?:{_H16}:){{0,6}}{_H16})?::"]
)
_PORT = r"0*(?:6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})"


def _host(end: str) -> str:
    """A pattern of a host that is followed by `end`; a name's last part is never a number alone."""
    part = "[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
    name = rf"(?=[A-Za-z0-9_.-]{{1,{_NAME_MAX}}}{end})(?:{part}\.)*(?![0-9]+\.?{end}){part}\.?"
    return rf"(?:{_IPV4}|{_IPV6}|{name}){end}"


HOST_PATTERN = rf"^{_host(_END)}"
TUNNEL_PATTERN = rf"^(?:\[{_host(']')}|{_host(':')[:-1]}):{_PORT}{_END}"
EXPORT_PATTERN = rf"^/[!-~]*{_END}"
FINGERPRINT_PATTERN = (
    r"^\s*(?:[Ss][Hh][Aa]-?256(?:\s+[Ff][Ii][Nn][Gg][Ee][Rr][Pp][Rr][Ii][Nn][Tt])?\s*[:= ]\s*)?"
    rf"(?:[A-Za-z0-9+/]{{43}}=?|[0-9a-fA-F]{{2}}(?:[: ]?[0-9a-fA-F]{{2}}){{31}})\s*{_END}"
)
FINGERPRINT_HELP = "write SHA256:... as ssh-keygen -l prints it, or 64 hex digits"
_FINGERPRINT = re.compile(FINGERPRINT_PATTERN, re.ASCII)


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
        if "%" in text:
            raise ValueError(f"{shown(text)} has a zone, which only this machine knows")
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
    if not colon or not re.fullmatch(_PORT, port):
        raise ValueError(f"{shown(text)} is no host:port")
    host_shape(host[1:-1] if host.startswith("[") and host.endswith("]") else host)
    return text


def is_fingerprint(text: str) -> bool:
    """A SHA-256 fingerprint in a spelling that is read: base64 or hex, with or without its prefix."""
    return _FINGERPRINT.match(text) is not None


def shown(text: str) -> str:
    """A text of the operator as it may stand in a message: short, control characters written out."""
    return repr(text if len(text) <= 60 else f"{text[:60]}...")


def _text(pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern})


Host = Annotated[str, AfterValidator(host_shape), _text(HOST_PATTERN)]
Tunnel = Annotated[str, AfterValidator(tunnel_shape), _text(TUNNEL_PATTERN)]
ExportPath = Annotated[str, AfterValidator(export_shape), _text(EXPORT_PATTERN)]
Fingerprint = Annotated[str, _text(FINGERPRINT_PATTERN)]  # judged by core.checks.steering
