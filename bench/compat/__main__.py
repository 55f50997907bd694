"""`python -m bench.compat SIZE MODE`: one measurement; without arguments all of them."""

from __future__ import annotations

import sys

from bench.compat import main, one

if __name__ == "__main__":
    if len(sys.argv) == 3:
        one(int(sys.argv[1]), sys.argv[2])
    else:
        main()
