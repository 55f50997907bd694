"""Words of the operator that steer: one that nothing has is bad input with its line and the nearest known one."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.checks.judge import judge
from core.checks.steering import acceptances
from core.cli.main import main
from core.errors import SpecError
from core.models.results import CheckResult, Scope, Severity, Verdict
from core.platforms import catalog
from core.service import Service

REGISTRY = catalog.platform("oracle_vm").checks
FIXED = [check.id for check in REGISTRY if not check.acceptable]
SPEC = """manager: {host: 203.0.113.250}
pool:
  name: pool1
  virtual_ip: 203.0.113.10
  file_system: {kind: nfs, server: nas1, export: /x}
servers:
  - address: 203.0.113.11
"""

WAIVER = "waivers:\n  - check: %s\n    reason: because\n    who: jo\n    until: 2030-01-01\n"
BAD = [
    ("accept:\n  - R028\n  - pair.cpu.vndor\n", 10, "accept[1]: no check or rule is called 'pair.cpu.vndor'; did"),
    ("accept: [pair.cpu.vender]\n", 8, "no check or rule is called 'pair.cpu.vender'; did you mean 'pair.cpu.vendor'?"),
    ("accept: [R003]\n", 8, "storage.nfs.empty is never accepted: going on could destroy data"),
    ("accept: [server.disk.space]\n", 8, "server.disk.space has nothing to accept: it stops no plan"),
    ("accept: [input.vip.sane]\n", 8, "input.vip.sane has nothing to accept: the pool description alone tells it"),
    (WAIVER % "input.vip.sane", 9, "input.vip.sane is never waived: the pool description alone tells it; mend it"),
    ("allow_old_crypto: [manager, agnet]\n", 8, "no plane is called 'agnet' here; did you mean 'agent'?"),
    ("    connect:\n      agnt: h:1\n", 9, "connect.agnt: no plane is called 'agnt' here; did you mean 'agent'?"),
    ("    fingerprints:\n      shh: SHA256:%s\n" % ("A" * 43), 9, "no plane is called 'shh' here; did you mean 'ssh'?"),
    ("    fingerprints:\n      ssh: SHA256:abc\n", 9, "'SHA256:abc' is no SHA-256 fingerprint; write SHA256:..."),
    ("jump:\n  host: gate\n  fingerprint: 'MD5:00:11'\n", 10, "jump.fingerprint: 'MD5:00:11' is no SHA-256"),
]  # fmt: skip


@pytest.mark.parametrize(("more", "line", "told"), BAD)
def test_a_word_that_nothing_has_is_told_with_its_place(
    more: str, line: int, told: str, tmp_path: Path
) -> None:
    path = tmp_path / "pool.yaml"
    path.write_text(SPEC + more)
    with pytest.raises(SpecError) as caught:
        Service(tmp_path / "state").load(path)
    (problem,) = caught.value.problems
    assert told in str(problem)
    assert (problem.file, problem.line) == (str(path), line)


def test_a_byte_order_mark_moves_and_hides_nothing(tmp_path: Path) -> None:
    path = tmp_path / "pool.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + SPEC.encode())
    assert Service(tmp_path / "state").load(path).pool_name == "pool1"
    path.write_bytes(b"\xef\xbb\xbf" + f"accept: [zzz]\n{SPEC}".encode())
    with pytest.raises(SpecError) as caught:
        Service(tmp_path / "state").load(path)
    assert [(each.line, each.field) for each in caught.value.problems] == [(1, "accept[0]")]


def test_all_of_them_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "pool.yaml"
    path.write_text(SPEC + "accept: [a, b]\nallow_old_crypto: [c]\n")
    with pytest.raises(SpecError) as caught:
        Service(tmp_path / "state").load(path)
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize("command", ["check", "plan", "apply"])
@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("pair.cpu.vndor", "did you mean 'pair.cpu.vendor'?"),
        ("R003", "is never accepted"),
        ("zzz", "lists them"),
    ],
)
def test_an_id_typed_for_acceptance_is_judged_before_anybody_is_asked_for_a_password(
    command: str, word: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "pool.yaml"
    path.write_text(SPEC)
    words = [command, str(path), "--state-dir", str(tmp_path / "state"), "--accept-unknown", word]
    assert main([*words, "--yes"] if command == "apply" else words) == 2
    said = capsys.readouterr().err
    assert "--accept-unknown: " in said
    assert told in said
    assert "password" not in said.lower()


def test_an_id_to_be_asked_that_nothing_has_names_the_nearest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "pool.yaml"
    path.write_text(SPEC)
    words = ["check", str(path), "--state-dir", str(tmp_path / "state")]
    assert main([*words, "--check", "pair.cpu.vndor", "--only", "203.0.113.12"]) == 2
    said = capsys.readouterr().err
    assert "the command line is not usable (PW101)" in said
    assert "--check: no check or rule is called 'pair.cpu.vndor'; did you mean 'pair.cpu.vendor'?" in said
    assert "--only: the spec has no server '203.0.113.12'; did you mean '203.0.113.11'?" in said


def test_every_check_can_be_accepted_or_says_that_it_cannot() -> None:
    """What an acceptance can settle is what judge() asks one for; every other id says why there is nothing."""
    for check in REGISTRY:
        told = acceptances(REGISTRY, [check.id], "accept")
        is_asked_for = False
        for verdict in (Verdict.UNKNOWN, Verdict.BLOCKED, Verdict.WARN):
            severity = check.severity
            if verdict is not Verdict.WARN and check.unknown_severity is not None:
                severity = check.unknown_severity
            result = CheckResult(
                id=check.id, rules=check.rules, scope=check.scope, target="pool", severity=severity, verdict=verdict,
                title=check.title, detail="",
            )  # fmt: skip
            is_asked_for |= judge(REGISTRY, [result], []) == ((), (result,))
        is_asked_for &= not check.spec_only
        assert [check.id in str(problem) for problem in told] == ([] if is_asked_for else [True])
        assert ("destroy data" in str(told)) is (check.id in FIXED)


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.UNKNOWN, Verdict.BLOCKED])
@pytest.mark.parametrize("is_fixed", [False, True])
def test_an_acceptance_covers_what_nobody_could_see_and_never_a_failure(
    verdict: Verdict, is_fixed: bool
) -> None:
    check = next(
        each for each in REGISTRY if each.severity is Severity.BLOCKER and each.acceptable is not is_fixed
    )
    result = CheckResult(
        id=check.id, rules=check.rules, scope=Scope.POOL, target="pool", severity=check.severity, verdict=verdict,
        title=check.title, detail="",
    )  # fmt: skip
    refusals, unaccepted = judge(REGISTRY, [result], [])
    assert len(refusals + unaccepted) == 1, "never passed by itself"
    refusals, unaccepted = judge(REGISTRY, [result], [check.id])
    is_covered = verdict is not Verdict.FAIL and not is_fixed
    assert (refusals, unaccepted) == (((), ()) if is_covered else ((result,), ()))
