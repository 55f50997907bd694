"""`python -m bench.tui`: all of it."""

from __future__ import annotations

from bench.tui.measure import main

main()
