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
    (re.compile(r"(?<![\w+/])[\w+/]{43}(?![\w+/])"), "8" * 43),  # fingerprints of the lab's own keys
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
    from core.runner.survival import Survival, Way
    from core.secrets import Secrets
    from core.service import Service
    from tui import wizard
    from tui.app import PoolwrightApp

    shots: dict[str, str] = {}
    async with Lab.from_scenario(SCENARIO, servers=SERVERS, speed=1000) as lab:
        service = Service(state_dir)
        outlives = Survival(Way.DETACHED, True, "the same on every machine that draws")
        service.survival = lambda: outlives  # type: ignore[method-assign]
        hints = {"Rehearsal": "this is a simulated fleet with throw-away passwords; nothing real is touched"}
        service.settings = service.settings.model_copy(update={"keys": {}})
        app = PoolwrightApp(
            lambda: service, spec=lab.spec_data(), secrets=Secrets(lab.passwords), hints=hints
        )
        async with app.run_test(size=SIZE) as pilot:

            def picture() -> str:
                return freeze(app.export_screenshot(title="poolwright"))

            async def shown(screen: str, holds: Callable[[], object] = lambda: True) -> None:
                """The screen is there, nothing goes on behind it, and two looks at it are alike."""

                def is_still() -> bool:
                    busy = app.has_session and app.session.activity.value != "idle"
                    return type(app.screen).__name__ == screen and bool(holds()) and not busy

                await _until(lambda: pilot.pause(0.05), is_still, screen)
                looks = ["", ""]

                async def look() -> None:
                    await pilot.pause(0.6)  # longer than any screen waits before it draws
                    looks[:] = looks[1], picture()

                await _until(look, lambda: looks[1] and looks[0] == looks[1], f"{screen}, drawn")

            async def shoot(name: str, screen: str, holds: Callable[[], object] = lambda: True) -> None:
                await shown(screen, holds)
                shots[name] = picture()

            await shoot("home", "HomeScreen", lambda: app.autosave_path is not None)
            await pilot.press("enter")
            await shown("ConnectScreen")
            await pilot.press("f8")
            await shoot("trust", "TrustScreen", lambda: app.session.trust.seen)
            await pilot.press("f8")
            await shoot("pool", "PoolScreen", lambda: app.session.is_fresh)
            await pilot.press("f8")
            await shown("ServersScreen")
            await pilot.press("down", "down")
            await shoot("servers", "ServersScreen")
            await pilot.press("f8")
            await shown("StorageScreen")
            await pilot.press("f8")
            await shown("CompatibilityScreen")
            await pilot.press("f3")
            await shoot("compatibility", "CompatibilityScreen")
            await pilot.press("f8")
            await shoot("findings", "ReviewScreen", lambda: not wizard.missing("review", app.session))
            await pilot.press("f2", "down", "down", "down", "down")
            await shoot("review", "ReviewScreen")
            await pilot.press("f2")
            app.screen.query_one("#name").focus()
            await shown("ReviewScreen", lambda: getattr(app.focused, "id", "") == "name")
            await pilot.press(*str(app.session.spec().pool_name), "enter")
            await shoot("done", "DoneScreen")
            app.go("run")
            await shoot(
                "run", "RunScreen", lambda: any(each.row_count for each in app.screen.query(DataTable))
            )
    return shots


def freeze(svg: str) -> str:
    """The picture without what differs from run to run."""
    for pattern, instead in FROZEN:
        svg = pattern.sub(instead, svg)
    return svg


def words(svg: str) -> list[tuple[str, str]]:
    """What can be read in a picture, and on which line; fonts and colours change with versions and do not count."""
    return re.findall(r'<text [^>]*? y="([\d.]+)"[^>]*>(.*?)</text>', svg)


def main() -> int:
    """Write or check."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--check", action="store_true", help="only say which ones are stale")
    only_check = parser.parse_args().check
    os.environ.update({"TERM": "xterm-256color", "TEXTUAL_ANIMATIONS": "none"})
    for name in ("NO_COLOR", "POOLWRIGHT_THEME", "COLORTERM"):
        os.environ.pop(name, None)
    with tempfile.TemporaryDirectory(prefix="poolwright-shots-") as folder:
        os.environ["XDG_CONFIG_HOME"] = folder  # nobody's own settings
        shots = asyncio.run(take(Path(folder) / "state"))
    old = {name: _read(FOLDER / f"{name}.svg") for name in shots}
    if only_check:
        stale = [name for name, svg in shots.items() if words(svg) != words(old[name])]
        for name in stale:
            print(f"stale: screenshots/{name}.svg; make screenshots draws it anew")
        return 1 if stale else 0
    FOLDER.mkdir(exist_ok=True)
    for name, svg in shots.items():
        if svg != old[name]:
            (FOLDER / f"{name}.svg").write_text(svg, encoding="utf-8")
            print(f"wrote screenshots/{name}.svg")
    return 0


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
