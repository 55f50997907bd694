"""What the engine costs: time beside Manager's own, journal writes, attaching to a long history, memory."""

from __future__ import annotations


def main() -> None:
    """All four."""
    from bench.engine import attach, memory, overhead

    overhead.main()
    attach.main()
    memory.main()
