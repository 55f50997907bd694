"""Ask the world, several times if need be. Only reads are ever repeated; what stays unreadable is UNKNOWN."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from core.engine.step import Look, Seen, World
from core.errors import JournalError, LoginRefused, PoolwrightError, TransportError

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """Bounds of the engine; seconds and counts as the names say."""

    read_attempts: int = 3
    undo_attempts: int = 3
    retry_delay_s: float = 4.0  # doubles with each try, with jitter
    question_s: float = 0.0  # how long an answer is waited for; 0: nobody is asked
    question_look_s: float = 30.0  # meanwhile the world is looked at this often


@dataclass(frozen=True, slots=True)
class Patience:
    """How often, and how long to wait in between."""

    limits: EngineLimits
    sleep: Sleep = asyncio.sleep

    async def wait(self, attempt: int) -> None:
        """Back off after the attempt of that number, counted from 0."""
        await self.sleep(self.limits.retry_delay_s * 2**attempt * random.uniform(0.5, 1.5))  # noqa: S311 - jitter

    async def look(self, ask: Callable[[], Awaitable[Look]]) -> Look:
        """One look or verify, repeated while it is UNKNOWN or the transport fails; never raises but for the journal."""
        seen = Look(Seen.UNKNOWN, "not looked at")
        for attempt in range(self.limits.read_attempts):
            if attempt:
                await self.wait(attempt - 1)
            try:
                seen = await ask()
            except JournalError:
                raise
            except LoginRefused as error:  # a secret is tried once
                return Look(Seen.UNKNOWN, str(error))
            except TransportError as error:
                seen = Look(Seen.UNKNOWN, str(error), is_unreachable=True)
            except Exception as error:  # noqa: BLE001 - a step's bug must end in a decision, not in a dead runner
                return Look(Seen.UNKNOWN, said(error))
            if seen.seen is not Seen.UNKNOWN:
                break
        return seen


async def settle(world: World, step_id: str) -> None:
    """Give what an earlier process began the time to end; a failure decides nothing."""
    try:
        await world.settle(step_id)
    except JournalError:
        raise
    except Exception:  # noqa: BLE001 - the look that follows decides, and says what it cannot see
        return


def said(error: BaseException) -> str:
    """What an error says, with its kind where it is not one of ours."""
    return (
        str(error)
        if isinstance(error, PoolwrightError)
        else f"internal error: {type(error).__name__}: {error}"
    )
