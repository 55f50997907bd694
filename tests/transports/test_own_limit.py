"""No file handle left: that is told as this machine's limit, no server is blamed, and nothing is judged by it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

PROGRAM = r"""
import asyncio, json, os, resource
from datetime import UTC, datetime
from core.checks.runner import run_checks
from core.errors import PoolwrightError
from core.platforms.catalog import platform
from core.runner.launch import launch
from core.runner.protocol import Order, Task
from core.runner.survival import Way
from core.secrets import Secrets
from core.transports.base import Access, Endpoint
from core.transports.certificates import fetch_shown_certificate
from core.transports.limits import Limits
from core.transports.ssh import open_ssh
from core.transports.ssh_probe import fetch_host_key
from core.transports.trust import TrustStore

PRINT = "SHA256:" + "A" * 43
PLATFORM = platform("oracle_vm")
SPEC = PLATFORM.spec_model.model_validate({
    "manager": {"host": "203.0.113.250", "connect": "127.0.0.1:9", "fingerprint": PRINT},
    "pool": {
        "name": "p", "virtual_ip": "203.0.113.10",
        "file_system": {"kind": "nfs", "server": "203.0.113.9", "export": "/x"},
    },
    "servers": [{
        "address": "203.0.113.11", "fingerprints": {"ssh": PRINT, "agent": PRINT},
        "connect": {"ssh": "127.0.0.1:9", "agent": "127.0.0.1:9"},
    }],
    "ssh": {},
})
ACCESS = Access(TrustStore(None), Secrets({"manager": "m", "agent": "a", "ssh": "s"}), Limits())
BY_NAME = Endpoint("s1", "ssh", "localhost", "localhost", 9, "ssh", pinned=PRINT)
BY_ADDRESS = Endpoint("s1", "ssh", "127.0.0.1", "127.0.0.1", 9, "ssh", pinned=PRINT)

async def logged_in():
    async with open_ssh(BY_ADDRESS, user="root", access=ACCESS):
        pass

async def said(doing):
    try:
        await doing
    except PoolwrightError as error:
        return [type(error).__name__, str(error)]
    return []

async def main():
    PLATFORM.context(SPEC, await PLATFORM.collect(SPEC, ACCESS), datetime.now(UTC))  # everything is imported
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    held = []
    try:
        while True:
            held.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        pass
    found = {
        "host key": await said(fetch_host_key(BY_ADDRESS, limit_s=5)),
        "host key by name": await said(fetch_host_key(BY_NAME, limit_s=5)),
        "certificate": await said(fetch_shown_certificate(BY_ADDRESS, Limits())),
        "login": await said(logged_in()),
        "runner": await said(launch(Order(task=Task.RESUME, state_dir="/"), Secrets(), Way.DETACHED, ("/bin/true",))),
    }
    fleet = await PLATFORM.collect(SPEC, ACCESS)
    planes = fleet.servers["203.0.113.11"].planes.items()
    found["planes"] = {name: [plane.state, plane.reason] for name, plane in planes}
    found["planes"]["manager"] = [fleet.controller.state, fleet.controller.reason]
    results = await run_checks(PLATFORM.checks, PLATFORM.context(SPEC, fleet, datetime.now(UTC)))
    found["failed"] = [each.id for each in results if each.verdict == "fail"]
    for handle in held:
        os.close(handle)
    print(json.dumps(found))

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("what", ["host key", "host key by name", "certificate", "login"])
def test_a_connection_that_could_not_be_tried_says_why_and_what_to_do(
    what: str, told: dict[str, Any]
) -> None:
    kind, text = told[what]
    assert kind == "ConnectFailed"
    assert "this machine has no file handle left (limit of this program: 64); it was not asked" in text
    assert "ulimit -n" in text


def test_a_runner_that_cannot_be_started_says_the_same(told: dict[str, Any]) -> None:
    kind, text = told["runner"]
    assert kind == "RunnerError"
    assert "ulimit -n" in text


def test_no_server_is_blamed(told: dict[str, Any]) -> None:
    assert set(told["planes"]) == {"agent", "ssh", "manager"}
    for state, reason in told["planes"].values():
        assert state == "not_asked"
        assert "this machine has no file handle left" in reason
    assert told["failed"] == [], "what was not asked is not known, and nothing of it is a fault"
