"""What a platform may bring beyond its contract: the servers its controller knows already, to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from core.models.spec import BaseSpec
from core.transports.base import Access


@runtime_checkable
class Listing(Protocol):
    """A controller that can be asked for its servers before any is named."""

    async def known_servers(self, spec: BaseSpec, access: Access) -> Sequence[str]:
        """Addresses of servers that are in no pool, in the controller's order; the spec may name no server yet.

        Raises PoolwrightError when the controller cannot be asked.
        """
        ...


def listing_of(platform: object) -> Listing | None:
    """The platform as a list of servers; None when it brings none."""
    return platform if isinstance(platform, Listing) else None
