"""No secret anywhere but in memory: a whole run whose passwords are canaries, then a search of all it left behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.lab.fleet import Lab
from core.reports.runs import run_document
from tests.whole.job import SPEED, whole_job


@pytest.mark.asyncio
@pytest.mark.parametrize("scenario", ["healthy-nfs", "join-fails", "wrong-password"])
async def test_no_secret_is_written_or_shown(
    scenario: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    async with Lab.from_scenario(scenario, servers=3, speed=SPEED) as lab:
        secrets = sorted(set(lab.passwords.values()))
        assert all(len(secret) >= 8 for secret in secrets)
        job = await whole_job(lab, tmp_path)
    shown = [event.model_dump_json() for event in job.events]
    shown += [result.model_dump_json() for result in job.checked.results]
    shown += [job.checked.fleet.model_dump_json()]
    shown += [caplog.text]
    if job.view is not None:
        shown.append(json.dumps(run_document(job.view)))
    files = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert files or job.view is None
    for secret in secrets:
        assert not [text for text in shown if secret in text]
        assert not [path for path in files if secret.encode() in path.read_bytes()]
