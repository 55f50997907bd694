"""`python -m bench.check_fleet`: this benchmark alone."""

from bench.check_fleet import main

main()
