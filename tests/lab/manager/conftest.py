from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest_asyncio

from core.lab.world import World
from tests.lab.manager.support import Cli, make_world

MakeCli = Callable[..., Cli]


@pytest_asyncio.fixture
async def make_cli() -> AsyncIterator[MakeCli]:
    """Conversations with Managers whose jobs end with the test."""
    made: list[Cli] = []

    def make(release: str = "3.4", servers: int = 3, *, world: World | None = None) -> Cli:
        cli = Cli(world or make_world(release, servers))
        made.append(cli)
        return cli

    yield make
    ends: list[Awaitable[None]] = [cli.close() for cli in made]
    for end in ends:
        await end
