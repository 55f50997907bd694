"""What is read is not what is shown: names that look like a login, and passwords that are words of everybody's texts.

Each pool is made over real sockets and rolled back as it was found, and no gap in a text tells a password.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from core.lab.fleet import Lab
from core.secrets import MASK, Secrets
from core.service import Service
from tests.whole.job import SPEED, whole_job

pytestmark = pytest.mark.timeout(1200)
NAMES = ["prod@dc1", "a:b@c"]
WORDS = ["oracle", "pool1", "Running", "server", "ovs"]


def with_pool(name: str) -> Lab:
    """A lab, not started, whose ready spec asks for a pool of this name."""
    lab = Lab.from_scenario("healthy-nfs", servers=2, speed=SPEED)
    pool = lab.scenario.pool.model_copy(update={"name": name})
    lab.scenario = lab.scenario.model_copy(update={"pool": pool})
    return lab


async def made_and_rolled_back(lab: Lab, folder: Path) -> list[str]:
    """Every text that was shown of a run and of its rollback."""
    job = await whole_job(lab, folder)
    assert job.outcome == "created", job.stopped
    assert job.view is not None
    service, secrets = Service(folder / "state"), Secrets(lab.passwords)
    run = await service.rollback(job.view.run, secrets)
    events = [event async for event in service.follow(run)]
    view = service.show(run)
    assert view.outcome is not None
    assert view.outcome.value == "rolled_back", view
    assert not view.residue
    assert lab.snapshot() == job.before
    return [event.text for event in events] + [result.detail for result in job.checked.results]


@pytest.mark.asyncio
@pytest.mark.parametrize("name", NAMES)
async def test_a_pool_whose_name_looks_like_a_login(name: str, tmp_path: Path) -> None:
    lab = with_pool(name)
    async with lab:
        texts = await made_and_rolled_back(lab, tmp_path)
    assert any(f'name="{name}"' in text for text in texts)


@pytest.mark.asyncio
@pytest.mark.parametrize("word", WORDS)
async def test_a_password_that_is_a_word_of_every_text(word: str, tmp_path: Path) -> None:
    lab = with_pool("pool1")
    lab.world.manager_password = word
    for server in lab.world.servers.values():
        server.password = server.ssh_password = word
    async with lab:
        texts = await made_and_rolled_back(lab, tmp_path)
    assert not [text for text in texts if MASK in text]  # a gap would say which word is one
