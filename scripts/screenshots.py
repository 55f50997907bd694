"""Makes screenshots/*.svg from the lab, headless: the same bytes every time, so that stale ones can be found.

`scripts/screenshots.py` writes them; `--check` says which ones are stale (exit 1) and writes nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
FOLDER = ROOT / "screenshots"
SIZE = (100, 30)
SCENARIO = "mixed-cpu"
SERVERS = 4
LIMIT_S = 120.0
# what differs from run to run, and what stands in the pictures instead
FROZEN = (
    (re.compile(r"\b\d{6}-\d{6}-[0-9a-z]{2}\b"), "260301-020000-ab"),
    (re.compile(r"\b\d\d:\d\d:\d\d\b(?!:)"), "02:00:00"),
    (re.compile(r"terminal-\d+-"), "terminal-"),
    (re.compile(r"(?<=&#160;)(\d+:)?\d+&#160;(s|min)(?=&#160;)"), "41&#160;s"),
    (re.compile(r"@font-face \{.*?\}\s*", re.DOTALL), ""),
)


async def _until(pause: Callable[[], Awaitable[None]], holds: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not holds():
        if time.monotonic() > deadline:
            raise SystemExit(f"never came to: {what}")
        await pause()


async def take(state_dir: Path) -> dict[str, str]:
    """Walk the wizard on the lab; SVG text by name."""
    from textual.widgets import DataTable

    from core.lab.fleet import Lab
    from core.secrets import Secrets
    from core.service import Service
    from tui import wizard
    from tui.app import PoolwrightApp

    shots: dict[str, str] = {}
    async with Lab.from_scenario(SCENARIO, servers=SERVERS, speed=1000) as lab:
        service = Service(state_dir)
        hints = {"Rehearsal": "this is a simulated fleet with throw-away passwords; nothing real is touched"}
        service.settings = service.settings.model_copy(update={"keys": {}})
        app = PoolwrightApp(
            lambda: service, spec=lab.spec_data(), secrets=Secrets(lab.passwords), hints=hints
        )
        async with app.run_test(size=SIZE) as pilot:

            async def shown(screen: str, holds: Callable[[], object] = lambda: True) -> None:
                here = lambda: type(app.screen).__name__ == screen and holds()  # noqa: E731
                await _until(lambda: pilot.pause(0.05), here, screen)
                await pilot.pause(0.3)

            def shoot(name: str) -> None:
                shots[name] = freeze(app.export_screenshot(title="poolwright"))

            await shown("HomeScreen", lambda: app.autosave_path is not None)
            shoot("home")
            await pilot.press("enter")
            await shown("ConnectScreen")
            await pilot.press("f8")
            await shown("TrustScreen", lambda: app.session.trust.seen)
            await pilot.press("f8")
            await shown("PoolScreen")
            shoot("pool")
            await pilot.press("f8")
            await shown("ServersScreen", lambda: app.session.is_fresh)
            await pilot.press("down", "down")
            await shown("ServersScreen")
            shoot("servers")
            await pilot.press("f8")
            await shown("StorageScreen")
            await pilot.press("f8")
            await shown("CompatibilityScreen", lambda: app.session.is_fresh)
            await pilot.press("f3")
            await shown("CompatibilityScreen")
            shoot("compatibility")
            await pilot.press("f8")
            await shown("ReviewScreen", lambda: app.session.is_fresh)
            shoot("findings")
            await pilot.press("f2", "down", "down", "down", "down")
            await shown("ReviewScreen", lambda: not wizard.missing("review", app.session))
            shoot("review")
            await pilot.press("f2")
            line = app.screen.query_one("#name")
            line.focus()
            await pilot.pause(0.2)
            await pilot.press(*str(app.session.spec().pool_name), "enter")
            await shown("DoneScreen")
            shoot("done")
            app.go("run")
            await shown(
                "RunScreen", lambda: [table for table in app.screen.query(DataTable) if table.row_count]
            )
            shoot("run")
    return shots


def freeze(svg: str) -> str:
    """The picture without what differs from run to run."""
    for pattern, instead in FROZEN:
        svg = pattern.sub(instead, svg)
    return svg


def main() -> int:
    """Write or check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say which ones are stale")
    only_check = parser.parse_args().check
    os.environ.update({"TERM": "xterm-256color", "TEXTUAL_ANIMATIONS": "none"})
    for name in ("NO_COLOR", "POOLWRIGHT_THEME"):
        os.environ.pop(name, None)
    with tempfile.TemporaryDirectory(prefix="poolwright-shots-") as folder:
        shots = asyncio.run(take(Path(folder)))
    stale = [
        name
        for name, svg in shots.items()
        if not (FOLDER / f"{name}.svg").exists()
        or (FOLDER / f"{name}.svg").read_text(encoding="utf-8") != svg
    ]
    if only_check:
        for name in stale:
            print(f"stale: screenshots/{name}.svg; run scripts/screenshots.py")
        return 1 if stale else 0
    FOLDER.mkdir(exist_ok=True)
    for name in stale:
        (FOLDER / f"{name}.svg").write_text(shots[name], encoding="utf-8")
        print(f"wrote screenshots/{name}.svg")
    return 0


if __name__ == "__main__":
    sys.exit(main())
