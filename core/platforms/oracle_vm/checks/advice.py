"""Rules that no check judges, and why: text, or advice for the pool's later life. `explain` lists them."""

from __future__ import annotations

from collections.abc import Mapping

ADVICE: Mapping[str, str] = {
    "R046": "it concerns changing the timeout of a live cluster; choose well when the pool is made",
    "R061": "it is advice on how to size and grow a pool; nothing on a server can break it",
    "R080": "it weighs speed against secrecy; neither choice is wrong",
    "R086": "it concerns moving the heartbeat later, on releases 3.0 and 3.1",
    "R087": "it concerns a change to a running cluster",
    "R090": "the agent restarts by itself after ownership; the steps wait for it",
    "R108": "whether Solaris guests will run is not known before there are guests",
    "R110": "it concerns events of a running pool",
    "R117": "it concerns taking servers out of a pool later",
    "R118": "it concerns taking a pool apart",
}
