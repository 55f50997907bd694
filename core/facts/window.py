"""Bytes of a device as far as they are held, read by absolute offset. Never reads past what is there."""

from __future__ import annotations

from collections.abc import Mapping


class Window:
    """The head of a device and later ranges by byte offset; integers are little-endian, 0 where nothing is held."""

    def __init__(self, head: bytes, more: Mapping[int, bytes] | None = None) -> None:
        self._parts = [(0, head), *sorted((more or {}).items())]

    def has(self, offset: int, length: int) -> bool:
        """Whether all of these bytes are held."""
        return bool(length) and len(self.at(offset, length)) == length

    def at(self, offset: int, length: int) -> bytes:
        """Exactly these bytes, b"" when they are not all held."""
        found = self.some(offset, length)
        return found if len(found) == length else b""

    def some(self, offset: int, length: int) -> bytes:
        """These bytes as far as one held range has them."""
        if offset < 0 or length <= 0:
            return b""
        best = b""
        for start, data in self._parts:
            if start <= offset < start + len(data):
                found = data[offset - start : offset - start + length]
                best = found if len(found) > len(best) else best
        return best

    def u8(self, offset: int) -> int:
        return int.from_bytes(self.at(offset, 1), "little")

    def i8(self, offset: int) -> int:
        return int.from_bytes(self.at(offset, 1), "little", signed=True)

    def u16(self, offset: int) -> int:
        return int.from_bytes(self.at(offset, 2), "little")

    def u32(self, offset: int) -> int:
        return int.from_bytes(self.at(offset, 4), "little")

    def u64(self, offset: int) -> int:
        return int.from_bytes(self.at(offset, 8), "little")
