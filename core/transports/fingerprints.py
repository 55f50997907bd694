"""Fingerprints of host keys and certificates: SHA-256 in OpenSSH's form, other spellings read. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

_HEX = re.compile(r"[0-9a-f]{64}")
_PREFIX = re.compile(r"(?i)^\s*sha-?256(?:\s+fingerprint)?\s*[:= ]\s*")


@dataclass(frozen=True, slots=True)
class Shown:
    """What an endpoint shows of itself: fingerprint, kind in words, and the OpenSSH key line or PEM certificate."""

    fingerprint: str
    algorithm: str
    material: str


def fingerprint_of(blob: bytes) -> str:
    """`SHA256:` and unpadded base64, over a public key's wire form or a certificate's DER, as OpenSSH prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode("ascii").rstrip("=")


def normal_fingerprint(text: str) -> str | None:
    """OpenSSH's form of a SHA-256 fingerprint given as base64 or hex, colons or not; None when it is no such thing."""
    body = _PREFIX.sub("", text.strip())
    plain = body.replace(":", "").replace(" ", "").lower()
    if _HEX.fullmatch(plain):
        raw = bytes.fromhex(plain)
    else:
        try:
            raw = base64.b64decode(body.rstrip("=") + "=", validate=True)
        except (binascii.Error, ValueError):
            return None
    if len(raw) != hashlib.sha256().digest_size:
        return None
    return "SHA256:" + base64.b64encode(raw).decode("ascii").rstrip("=")
