"""A small NTP server (RFC 5905, server mode only) for the emulated machines: tells this machine's time at once.

Words: the address to bind. A real daemon that trusts its own clock takes minutes until it serves.
"""

from __future__ import annotations

import socket
import struct
import sys
import time

_TO_1900 = 2_208_988_800


def stamp(seconds: float) -> bytes:
    """64-bit NTP time."""
    whole = int(seconds)
    return struct.pack("!II", whole + _TO_1900, int((seconds - whole) * 2**32))


def main() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as port:
        port.bind((sys.argv[1], 123))
        while True:
            data, sender = port.recvfrom(1024)
            arrived = time.time()
            if len(data) < 48 or data[0] & 7 != 3:  # clients only
                continue
            head = struct.pack(
                "!BBBbII4s", (data[0] & 0x38) | 4, 2, data[2], -20, 0, 66, bytes((10, 77, 0, 1))
            )
            answer = head + stamp(arrived - 16) + data[40:48] + stamp(arrived) + stamp(time.time())
            port.sendto(answer, sender)


if __name__ == "__main__":
    main()
