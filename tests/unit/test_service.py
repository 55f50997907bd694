"""What the one door keeps between calls."""

from __future__ import annotations

from pathlib import Path

import asyncssh
import pytest

from core.models.fleet import FleetFacts
from core.models.results import CheckResult, Scope, Severity, Verdict
from core.secrets import Secrets
from core.service import Checked, Service
from core.transports.base import Endpoint
from core.transports.fingerprints import fingerprint_of

ENDPOINT = Endpoint("m", "manager", "203.0.113.250", "203.0.113.250", 10000, "ssh")
GOOD = """\
manager: {host: 203.0.113.250}
pool: {name: p, virtual_ip: 203.0.113.10, file_system: {kind: nfs, server: nas01, export: /export/poolfs}}
servers: [203.0.113.11]
"""


@pytest.mark.parametrize("is_same_secrets", [True, False])
def test_another_known_hosts_file_counts_from_then_on(tmp_path: Path, *, is_same_secrets: bool) -> None:
    service, secrets = Service(tmp_path / "state"), Secrets({"manager": "w0rd-of-ours"})
    spec = service.load(_file(tmp_path / "pool.yaml", GOOD))
    before = service.access(spec, secrets)
    assert before.trust.lookup(ENDPOINT) is None
    key = asyncssh.generate_private_key("ssh-ed25519")
    line = f"[203.0.113.250]:10000 {key.export_public_key().decode()}"
    _file(tmp_path / "known_hosts", line)
    changed = service.load(_file(tmp_path / "pool.yaml", GOOD + "trust: {known_hosts: known_hosts}\n"))
    after = service.access(changed, secrets if is_same_secrets else Secrets({"manager": "w0rd-of-ours"}))
    assert after.trust.lookup(ENDPOINT) == fingerprint_of(key.public_data)
    assert (after.logins is before.logins) == is_same_secrets  # what a login was told is not forgotten
    assert service.access(changed, after.secrets) is after


def verdict(what: Verdict) -> CheckResult:
    return CheckResult(
        id="pool.any",
        rules=(),
        scope=Scope.POOL,
        target="pool",
        verdict=what,
        severity=Severity.BLOCKER,
        title="any",
        detail="",
    )


@pytest.mark.parametrize(
    ("verdicts", "may_apply"),
    [
        ([], False),
        ([Verdict.NOT_APPLICABLE, Verdict.NOT_APPLICABLE], False),
        ([Verdict.NOT_APPLICABLE, Verdict.PASS], True),
        ([Verdict.PASS, Verdict.FAIL], False),
    ],
)
def test_what_nobody_judged_may_not_be_applied(
    tmp_path: Path, verdicts: list[Verdict], *, may_apply: bool
) -> None:
    service = Service(tmp_path / "state")
    spec = service.load(_file(tmp_path / "pool.yaml", GOOD))
    checked = Checked(FleetFacts(), tuple(verdict(one) for one in verdicts))
    assert service.judge(spec, checked).may_apply is may_apply


def _file(path: Path, text: str) -> Path:
    path.write_text(text)
    return path
