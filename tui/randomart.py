"""A fingerprint as OpenSSH draws it (`ssh-keygen -lv`): the drunken bishop walks over 17x9 squares. Pure.

Sources: OpenSSH sshkey.c fingerprint_randomart; D. Loss and others, "The drunken bishop" (2009).
"""

from __future__ import annotations

import base64
import binascii

WIDTH, HEIGHT = 17, 9
_VALUES = " .o+=*BOX@%&#/^SE"
_START, _END = _VALUES.index("S"), _VALUES.index("E")


def randomart(fingerprint: str, algorithm: str) -> tuple[str, ...]:
    """Eleven lines of 19 characters; empty for text that is no SHA256 fingerprint."""
    body = fingerprint.removeprefix("SHA256:")
    try:
        raw = base64.b64decode(body + "=" * (-len(body) % 4), validate=True)
    except (binascii.Error, ValueError):
        return ()
    field = _walk(raw)
    inside = ("".join(_VALUES[field[x][y]] for x in range(WIDTH)) for y in range(HEIGHT))
    return (_edge(algorithm), *(f"|{line}|" for line in inside), _edge("SHA256"))


def _walk(raw: bytes) -> list[list[int]]:
    field = [[0] * HEIGHT for _x in range(WIDTH)]
    x, y = WIDTH // 2, HEIGHT // 2
    for byte in raw:
        for shift in (0, 2, 4, 6):
            move = byte >> shift
            x = min(max(x + (1 if move & 1 else -1), 0), WIDTH - 1)
            y = min(max(y + (1 if move & 2 else -1), 0), HEIGHT - 1)
            field[x][y] = min(field[x][y] + 1, _START - 1)
    field[WIDTH // 2][HEIGHT // 2] = _START
    field[x][y] = _END
    return field


def _edge(word: str) -> str:
    title = f"[{word[: WIDTH - 2]}]"
    left = (WIDTH - len(title)) // 2
    return f"+{'-' * left}{title}{'-' * (WIDTH - len(title) - left)}+"


def title_of(algorithm: str, bits: int = 0) -> str:
    """The words in the upper edge, as ssh-keygen writes them: `ED25519 256`; a certificate says what it is."""
    sizes = {"ssh-ed25519": ("ED25519", 256), "ssh-rsa": ("RSA", bits), "ssh-dss": ("DSA", 1024)}
    if algorithm.startswith("ecdsa-sha2-nistp"):
        return f"ECDSA {algorithm.removeprefix('ecdsa-sha2-nistp')}"
    name, size = sizes.get(algorithm, (algorithm, 0))
    return f"{name} {size}" if size else name
