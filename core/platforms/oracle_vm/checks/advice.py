"""Rules that no check judges, and why: text, or advice for the pool's later life. `explain` lists them."""

from __future__ import annotations

from collections.abc import Mapping

ADVICE: Mapping[str, str] = {
    "R046": "it concerns changing the timeout of a live cluster; choose well when the pool is made",
    "R080": "it weighs speed against secrecy; neither choice is wrong",
    "R090": "the agent restarts by itself after ownership; the steps wait for it",
    "R112": "anti-affinity groups are made later, and are no part of the spec",
    "R117": "it concerns taking servers out of a pool later",
    "R118": "it concerns taking a pool apart",
}
