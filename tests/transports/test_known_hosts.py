"""Markers of a known_hosts file: @revoked is honoured, @cert-authority is told as not supported, slips are errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import IdentityChanged, TrustError
from core.transports.base import Endpoint
from core.transports.fingerprints import Shown
from core.transports.trust import TrustState, TrustStore
from tests.transports.test_trust import ED, ENDPOINT, OTHER, identity, line_of, print_of

PORT = Endpoint("ovs01", "manager", "203.0.113.11", "127.0.0.1", 10000, "ssh")


def store(folder: Path, *lines: str, begins: bytes = b"") -> TrustStore:
    path = folder / "known_hosts"
    path.write_bytes(begins + "\n".join(lines).encode() + b"\n")
    return TrustStore(None, path)


@pytest.mark.parametrize(
    "names", ["203.0.113.11", "*", "other,203.0.113.*", "[203.0.113.11]:22,203.0.113.11"]
)
@pytest.mark.parametrize("begins", [b"", b"\xef\xbb\xbf"], ids=["plain", "bom"])
def test_a_revoked_key_is_known_to_nobody(names: str, begins: bytes, tmp_path: Path) -> None:
    trust = store(tmp_path, f"@revoked {names} {line_of(ED)}", f"203.0.113.11 {line_of(ED)}", begins=begins)
    shown = Shown(print_of(ED), "ssh-ed25519", line_of(ED))
    assert trust.judge(ENDPOINT, shown).state is TrustState.CHANGED
    with pytest.raises(IdentityChanged, match="revoked"):
        trust.demand(ENDPOINT, shown)
    with pytest.raises(IdentityChanged):
        trust.add([identity(ENDPOINT, ED)])


@pytest.mark.parametrize("name", ["127.0.0.1", "203.0.113.11"])
def test_a_key_revoked_under_any_name_of_a_tunnel_is_revoked(name: str, tmp_path: Path) -> None:
    trust = store(tmp_path, f"@revoked {name} {line_of(ED)}", f"[203.0.113.11]:10000 {line_of(ED)}")
    assert trust.judge(PORT, Shown(print_of(ED), "", "")).state is TrustState.CHANGED


@pytest.mark.parametrize("begins", [b"", b"\xef\xbb\xbf"], ids=["plain", "bom"])
def test_an_authority_is_told_by_name_and_line_and_never_used(begins: bytes, tmp_path: Path) -> None:
    trust = store(tmp_path, f"@cert-authority *.113.11 {line_of(OTHER)}", "# the rest", begins=begins)
    for key in (ED, OTHER):  # neither what it may have signed nor its own key
        seen = trust.judge(ENDPOINT, Shown(print_of(key), "ssh-ed25519", line_of(key)))
        assert seen.state is TrustState.NEW
        assert "@cert-authority is not supported" in seen.reason
        assert f"{tmp_path / 'known_hosts'}, line 1" in seen.reason
    with pytest.raises(TrustError, match="@cert-authority is not supported"):
        trust.demand(ENDPOINT, Shown(print_of(ED), "ssh-ed25519", line_of(ED)))
    elsewhere = Endpoint("ovs02", "ssh", "198.51.100.1", "198.51.100.1", 22, "ssh")
    assert not trust.judge(elsewhere, Shown(print_of(ED), "", "")).reason, "it does not speak for this one"


def test_a_key_beside_an_authority_is_used(tmp_path: Path) -> None:
    trust = store(tmp_path, f"@cert-authority * {line_of(OTHER)}", f"203.0.113.11 {line_of(ED)}")
    assert trust.judge(ENDPOINT, Shown(print_of(ED), "ssh-ed25519", "")).state is TrustState.KNOWN


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (f"@revokd * {line_of(ED)}", "line 2: there is no marker '@revokd'; did you mean '@revoked'?"),
        (f"@cert-authorities * {line_of(ED)}", "did you mean '@cert-authority'?"),
        (f"@REVOKED * {line_of(ED)}", "there is no marker '@REVOKED'; did you mean '@revoked'?"),
        ("@revoked * ssh-ed25519 AAAAnonsense", "line 2: the key that is @revoked cannot be read"),
        ("@revoked", "cannot be read"),
    ],
    ids=["misspelt", "plural", "capitals", "no key", "nothing"],  # ED is another key in every process
)
def test_a_marker_that_would_be_lost_is_an_error(line: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(TrustError) as caught:
        store(tmp_path, "# mine", line)
    assert told in str(caught.value)


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_byte_order_mark_hides_no_first_line(ends: str, tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_bytes(b"\xef\xbb\xbf" + f"203.0.113.11 {line_of(ED)}{ends}".encode())
    assert TrustStore(None, path).lookup(ENDPOINT) == print_of(ED)
