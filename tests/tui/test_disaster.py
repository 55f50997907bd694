"""The disaster on the review: F3 alone leads to every problem, and each can be copied away with its fix."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.lab.fleet import Lab
from core.secrets import Secrets
from core.service import Service
from tests.patience import PATIENCE
from tests.tui.conftest import press, until
from tests.tui.ways import SIZE, to_step
from tui.app import PoolwrightApp
from tui.items import CALM, fix_lines, key_of
from tui.widgets.findings import Findings


@pytest.mark.slow
@pytest.mark.timeout(720 * PATIENCE)
@pytest.mark.asyncio
async def test_every_problem_is_reached_and_its_fix_copied(tmp_path: Path) -> None:
    async with Lab.from_scenario("disaster", servers=12, speed=1000) as lab:
        service = Service(tmp_path)
        app = PoolwrightApp(lambda: service, spec=lab.spec_data(), secrets=Secrets(lab.passwords))
        async with app.run_test(size=SIZE) as pilot:
            await to_step(pilot, "ConnectScreen")
            await app.session.check()
            app.go("review")
            await until(pilot, lambda: app.screen.query(Findings), "review")
            findings = app.screen.query_one(Findings)
            await until(pilot, lambda: len(findings.results) > 40, "findings")
            problems = {key_of(each) for each in findings.results if each.verdict.value not in CALM}
            assert len(problems) > 40
            reached: dict[tuple[str, ...], list[str]] = {}
            for _turn in problems:
                await press(pilot, "f3")
                found = findings.current
                assert found is not None
                reached[key_of(found)] = fix_lines(found)
            assert set(reached) == problems
            assert [key for key, lines in reached.items() if not lines] == []
            await press(pilot, "c")
            await until(pilot, lambda: type(app.screen).__name__ == "Copied", "shown")
            assert app.clipboard.splitlines() in reached.values()
