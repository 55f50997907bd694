"""`poolwright`: a subcommand goes straight to core.cli, otherwise the wizard opens. Imports nothing heavy by itself."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Console script. Without arguments, in a terminal: the wizard; `--plain`: the same as prompts and lines."""
    words = list(sys.argv[1:] if argv is None else argv)
    from tui.terminal import has_terminal

    if not has_terminal() or any(word not in ("--plain", "--screens") for word in words):
        from core.cli.main import main as headless

        return headless(words)
    return wizard(plain="--plain" in words, force="--screens" in words)


def wizard(*, plain: bool = False, force: bool = False) -> int:
    """Open the wizard on the operator's own state, on screens or, where they cannot be shown, as lines."""
    from tui.launch import open_wizard

    return open_wizard(plain=plain, force=force)


if __name__ == "__main__":
    sys.exit(main())
