"""One run at a time: by what a claim is named, whose claims count, and that a claim ends with its process."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.errors import RunnerError
from core.models.spec import BaseSpec, ServerTarget
from core.runner import claims as module
from core.runner.claims import OPERATORS, Claim, Claims, claims_of
from core.transports.base import Endpoint

NOBODY, SOMEBODY, GROUP = 65534, 65533, 65532
CLONE_NEWNET = 0x40000000  # unshare(2)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")

ENDPOINTS = (
    Endpoint("manager", "manager", "192.0.2.1", "127.0.0.1", 10000, "ssh"),
    Endpoint("gate", "jump", "192.0.2.9", "192.0.2.9", 22, "ssh"),
    Endpoint("a", "agent", "192.0.2.11", "192.0.2.11", 8899, "tls"),
    Endpoint("a", "ssh", "192.0.2.11", "192.0.2.11", 22, "ssh"),
    Endpoint("b", "agent", "192.0.2.12", "192.0.2.12", 8899, "tls"),
)


class Pins(dict[str, str]):
    def lookup(self, endpoint: Endpoint) -> str | None:
        return self.get(f"{endpoint.server}/{endpoint.plane}")


def spec_of(*names: str) -> BaseSpec:
    return BaseSpec(servers=tuple(ServerTarget(address=name) for name in names))


def test_claims_are_named_by_the_pinned_identity_and_else_by_where_we_connect() -> None:
    claims = claims_of(
        spec_of("a", "b"), "p1", ENDPOINTS, Pins({"manager/manager": "SHA256:m", "a/agent": "SHA256:a"})
    )
    assert [claim.key for claim in claims] == [
        "pool SHA256:m p1",
        "server SHA256:a",
        "server 192.0.2.11:22",
        "server 192.0.2.12:8899",
    ]
    assert claims[0].what == "pool p1 on 192.0.2.1"


@pytest.mark.asyncio
async def test_two_pools_of_one_manager_do_not_hinder_each_other_but_one_server_does() -> None:
    tag = f"test {os.getpid()} "
    one = [Claim(tag + "pool m p1", "pool p1"), Claim(tag + "server x", "server x")]
    two = [Claim(tag + "pool m p2", "pool p2")]
    both = [Claim(tag + "pool m p3", "pool p3"), Claim(tag + "server x", "server x")]
    async with Claims(one, "run r1"), Claims(two, "run r2"):
        with pytest.raises(RunnerError, match=rf"server x: \w+ \(pid {os.getpid()}\)"):
            async with Claims(both, "run r3"):
                pass
        async with Claims([both[0]], "run r3"):
            pass  # what the refused one had taken already is free again
    async with Claims(both, "run r3"):
        pass


@pytest.fixture
def claim(request: pytest.FixtureRequest) -> Claim:
    """Something that no other test works on."""
    return Claim(f"test {os.getpid()} {request.node.nodeid}", "server x")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users reach; pytest's own are private."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def become(uid: int, *groups: int) -> Callable[[], None]:
    def change() -> None:
        os.setgroups(list(groups))
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)

    return change


def leave_the_network() -> None:
    """What `unshare -n` does."""
    assert ctypes.CDLL(None).unshare(CLONE_NEWNET) == 0


@contextmanager
def elsewhere(
    claims: Sequence[Claim], *, first: Callable[[], None] = lambda: None, operators: Path = OPERATORS
) -> Iterator[tuple[int, str]]:
    """Another process that claims and keeps: (its id, "held" and its notes or why it was refused)."""
    claimed(Claim(f"test {os.getpid()} warm", "nothing"))  # another user may not be able to read our modules
    read, write = os.pipe()
    child = os.fork()
    if child == 0:

        async def hold() -> None:
            try:
                async with Claims(claims, "pool p, run r1", operators=operators) as held:
                    os.write(write, f"held {held.notes}".encode())
                    await asyncio.to_thread(signal.pause)
            except RunnerError as error:
                os.write(write, str(error).encode())

        try:
            first()
            asyncio.run(hold())
        except BaseException as error:  # noqa: BLE001 - told to the test
            os.write(write, repr(error).encode())
        finally:
            os._exit(0)
    try:
        yield child, os.read(read, 4000).decode()
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(read)
        os.close(write)


def claimed(claim: Claim, *, operators: Path = OPERATORS) -> tuple[str, ...]:
    """Take the claim here and let it go; its notes."""

    async def take() -> tuple[str, ...]:
        async with Claims([claim], "run r2", operators=operators) as held:
            return held.notes

    return asyncio.run(take())


def test_a_claim_ends_with_its_process_however_that_ends(claim: Claim) -> None:
    with elsewhere([claim]) as (child, said):
        assert said == "held ()"
        with pytest.raises(RunnerError, match=rf"\(pid {child}\), pool p, run r1 works on it"):
            claimed(claim)
    assert claimed(claim) == (), "killed with SIGKILL, and free"


@needs_root
def test_a_claim_holds_across_network_namespaces(claim: Claim) -> None:
    with elsewhere([claim], first=leave_the_network) as (child, said):
        assert said == "held ()"
        with pytest.raises(RunnerError, match=f"pid {child}"):
            claimed(claim)


@needs_root
def test_root_s_claim_stops_others_and_its_owner_is_named(claim: Claim) -> None:
    with elsewhere([claim]) as (child, _said), elsewhere([claim], first=become(NOBODY)) as (_other, refused):
        assert f"cannot work on server x: root (pid {child}), pool p, run r1 works on it" in refused


@needs_root
def test_another_user_can_hold_nothing_against_us_and_is_told(claim: Claim) -> None:
    """Neither root nor a third user is stopped by what any account can do."""
    with elsewhere([claim], first=become(NOBODY)) as (child, said):
        assert said == "held ()"
        (note,) = claimed(claim)
        assert f"nobody (pid {child}) claims server x too" in note
        with elsewhere([claim], first=become(SOMEBODY)) as (_third, third):
            assert third.startswith("held ")
            assert f"nobody (pid {child}) claims server x too" in third
        with elsewhere([claim], first=become(NOBODY)) as (_again, again):
            assert f"(pid {child}), pool p, run r1 works on it" in again, (
                "the same user's runs exclude each other"
            )


@needs_root
def test_operators_of_one_group_stop_each_other_and_nobody_else_can(claim: Claim, open_folder: Path) -> None:
    shared = open_folder / "operators"
    shared.mkdir()
    os.chown(shared, 0, GROUP)
    shared.chmod(0o3770)
    with elsewhere([claim], first=become(NOBODY, GROUP), operators=shared) as (child, said):
        assert said == "held ()"
        with elsewhere([claim], first=become(SOMEBODY, GROUP), operators=shared) as (_second, second):
            assert f"nobody (pid {child}), pool p, run r1 works on it" in second
        with pytest.raises(RunnerError, match=f"pid {child}"):
            claimed(claim, operators=shared)
        with elsewhere([claim], first=become(SOMEBODY), operators=shared) as (_outside, outside):
            assert outside.startswith("held "), "who is no operator is neither stopped nor stops"
    with elsewhere([claim], first=become(SOMEBODY, GROUP), operators=shared) as (_after, after):
        assert after == "held ()", "what another operator's dead run left is taken over"


@needs_root
@pytest.mark.parametrize("mode", [0o777, 0o1777])
def test_a_folder_for_operators_that_anybody_could_fill_is_not_used(
    claim: Claim, mode: int, tmp_path: Path
) -> None:
    shared = tmp_path / "operators"
    shared.mkdir()
    shared.chmod(mode)
    claimed(claim, operators=shared)
    assert not list(shared.iterdir())
    os.chown(shared, NOBODY, NOBODY)
    shared.chmod(0o700)
    claimed(claim, operators=shared)
    assert not list(shared.iterdir()), "nor one that another user made"


@needs_root
@pytest.mark.parametrize("kind", ["folder", "link", "file"])
def test_a_folder_of_ours_that_another_made_first_stops_nobody(
    claim: Claim, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Squatted names: the next place is used, and a run there and one in the first place still see each other."""
    first, second = tmp_path / "first", tmp_path / "second"
    for base in (first, second):
        base.mkdir()
        base.chmod(0o1777)
    monkeypatch.setattr(module, "BASES", (first, second))
    squatted = first / f"poolwright-{os.geteuid()}"
    {
        "folder": lambda: squatted.mkdir(),
        "link": lambda: squatted.symlink_to(tmp_path),
        "file": lambda: squatted.touch(),
    }[kind]()
    os.lchown(squatted, NOBODY, NOBODY)
    with elsewhere([claim]) as (child, said):
        assert said == "held ()"
        assert list((second / f"poolwright-{os.geteuid()}").glob("*.lock"))
        with pytest.raises(RunnerError, match=f"pid {child}"):
            claimed(claim)
        (squatted.rmdir if kind == "folder" else squatted.unlink)()
        with pytest.raises(RunnerError, match=f"pid {child}"):
            claimed(claim)


@needs_root
def test_a_folder_where_others_can_take_names_away_is_no_place(
    claim: Claim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loose, foreign, good = (tmp_path / name for name in ("loose", "foreign", "good"))
    for base in (loose, foreign, good):
        base.mkdir()
    loose.chmod(0o777)
    os.chown(foreign, NOBODY, NOBODY)
    monkeypatch.setattr(module, "BASES", (loose, foreign, good))
    claimed(claim)
    assert not list(loose.iterdir())
    assert not list(foreign.iterdir())
    assert (good / f"poolwright-{os.geteuid()}").stat().st_mode & 0o777 == 0o711
