"""`python -m bench [NAME ...]`: runs the benchmarks and prints ratios. Never part of the tests: machines are noisy."""

from __future__ import annotations

import sys
from importlib import import_module

NAMES = {
    "startup": "bench.startup",
    "compat": "bench.compat",
    "engine": "bench.engine",
    "check_fleet": "bench.check_fleet",
    "tui": "bench.tui.measure",
}


def main() -> int:
    """Run the named benchmarks, or all."""
    wanted = sys.argv[1:] or list(NAMES)
    for name in wanted:
        if name not in NAMES:
            print(f"there is no benchmark {name!r}; known: {', '.join(NAMES)}", file=sys.stderr)
            return 2
        print(f"== {name}")
        import_module(NAMES[name]).main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
