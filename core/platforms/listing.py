"""The servers a platform's controller knows already, to choose from; brought or declined by name (see guards.py)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from typing_extensions import override

from core.models.spec import BaseSpec
from core.transports.base import Access


class Listing(ABC):
    """A controller that can be asked for its servers before any is named."""

    @abstractmethod
    async def known_servers(self, spec: BaseSpec, access: Access) -> Sequence[str]:
        """Addresses of servers that are in no pool, in the controller's order; the spec may name no server yet.

        Raises PoolwrightError when the controller cannot be asked.
        """


class NoListing(Listing):
    """Declines: there is no controller to ask."""

    @override
    async def known_servers(self, spec: BaseSpec, access: Access) -> Sequence[str]:
        """No server is known before it is named."""
        return ()
