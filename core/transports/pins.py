"""Where pins live: an OpenSSH known_hosts file (read only) and our own JSON file (0600, written atomically)."""

from __future__ import annotations

import difflib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import asyncssh

from core import files
from core.errors import TrustError
from core.files import FileError
from core.paths import write_private
from core.transports.base import Endpoint
from core.transports.fingerprints import fingerprint_of, normal_fingerprint

_FORMAT = 1
_MARKERS = ("@cert-authority", "@revoked")
_FILE_MAX = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Pin:
    """One confirmed identity: fingerprint, key type or kind of certificate ("" = not known), where it comes from."""

    fingerprint: str
    algorithm: str = ""
    origin: str = "pin"
    material: str = ""


@dataclass(frozen=True, slots=True)
class Pins:
    """What is held about one endpoint. `weak` ones (same address, other port) may confirm but never contradict."""

    strong: tuple[Pin, ...] = ()
    weak: tuple[Pin, ...] = ()
    revoked: frozenset[str] = field(default=frozenset())
    authority: str = ""  # a @cert-authority line that speaks for this endpoint, and that we do not use

    def match(self, fingerprint: str) -> Pin | None:
        """The pin that knows this fingerprint; a revoked key is known to nobody."""
        if fingerprint in self.revoked:
            return None
        return next((pin for pin in (*self.strong, *self.weak) if pin.fingerprint == fingerprint), None)

    @property
    def algorithms(self) -> tuple[str, ...]:
        """Key types to ask for first."""
        return tuple(dict.fromkeys(pin.algorithm for pin in (*self.strong, *self.weak) if pin.algorithm))

    @property
    def any_type(self) -> bool:
        """A pin may belong to any key type (the spec gives a fingerprint alone)."""
        return any(not pin.algorithm for pin in self.strong)


class KnownHosts:
    """An OpenSSH known_hosts file, hashed names too; lines that cannot be read are skipped, as ssh does.

    Not so a line with a marker: one that is nearly one, or a @revoked key that cannot be read, would be trusted again
    without a word. TrustError for these. @cert-authority is not used, and told where it would have spoken.
    """

    def __init__(self, text: str, file: str = "known_hosts") -> None:
        self._known = asyncssh.import_known_hosts("")
        self._authorities: list[tuple[str, asyncssh.SSHKnownHosts]] = []
        for number, line in enumerate(text.split("\n"), 1):
            marker = line.split(None, 1)[0] if line.lstrip().startswith("@") else ""
            if marker not in _MARKERS and (near := difflib.get_close_matches(marker.lower(), _MARKERS, n=1)):
                problem = f"cannot use {file}: line {number}: there is no marker {marker[:40]!r}"
                raise TrustError(problem, fix=f"did you mean '{near[0]}'?")
            known = _read_line(line)
            if marker == "@cert-authority" and known is not None:
                self._authorities.append((f"{file}, line {number}", known))
            elif known is not None:
                self._known.load(line)
            elif marker == "@revoked":
                raise TrustError(
                    f"cannot use {file}: line {number}: the key that is @revoked cannot be read",
                    fix="repair the line: a key that is not recognised is not refused",
                )

    @classmethod
    def read(cls, path: Path) -> KnownHosts:
        """Read the file; TrustError when it cannot be read."""
        try:
            return cls(files.decoded(path, files.read_bytes(path, _FILE_MAX), "replace"), str(path))
        except FileError as error:
            raise TrustError(f"cannot read known hosts file {path}: {error.why}", fix=error.fix) from error

    def pins(self, endpoint: Endpoint) -> Pins:
        """Keys for [address]:port and [host]:port; plain names speak for port 22, and for tunnels of the servers."""
        names = list(dict.fromkeys((endpoint.address, endpoint.host)))
        is_tunnel = endpoint.host != endpoint.address
        plain_counts = endpoint.port == 22 or (is_tunnel and endpoint.plane in ("ssh", "jump"))
        exact = [self._keys(f"[{name}]:{endpoint.port}") for name in names]
        plain = [self._keys(name) for name in (names if endpoint.port == 22 else names[:1])]
        strong, weak = (exact + plain, []) if plain_counts else (exact, plain)
        return Pins(
            strong=tuple(pin for keys, _ in strong for pin in keys),
            weak=tuple(pin for keys, _ in weak for pin in keys),
            revoked=frozenset(
                mark for _, revoked in exact + [self._keys(name) for name in names] for mark in revoked
            ),
            authority=self._authority([f"[{name}]:{endpoint.port}" for name in names] + names),
        )

    def _authority(self, names: Sequence[str]) -> str:
        """The first @cert-authority line for one of these names."""
        found = (
            place
            for place, known in self._authorities
            if any(known.match(name, "", None)[1] for name in names)
        )
        return next(found, "")

    def _keys(self, name: str) -> tuple[list[Pin], list[str]]:
        keys, _cas, revoked, *_ = self._known.match(name, "", None)
        found = [Pin(fingerprint_of(key.public_data), key.get_algorithm(), "known_hosts") for key in keys]
        return found, [fingerprint_of(key.public_data) for key in revoked]


class PinFile:
    """Our own pins, one JSON file, or memory alone when `path` is None."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._pins: dict[str, Pin] = {}
        if path is not None:
            self._pins = self._read(path)

    @staticmethod
    def key(endpoint: Endpoint) -> str:
        """What a pin is filed under: plane, address as the operator named it, port."""
        return f"{endpoint.plane} {endpoint.address} {endpoint.port}"

    def get(self, endpoint: Endpoint) -> Pin | None:
        """The pin of an endpoint."""
        return self._pins.get(self.key(endpoint))

    def put(self, pins: Mapping[str, Pin]) -> None:
        """Add pins on top of what the file holds now (another process may have written)."""
        if self.path is None:
            self._pins = {**self._pins, **pins}
            return
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _locked(self.path.with_name(self.path.name + ".lock")):
                self._pins = {**self._read(self.path), **pins}
                held = {key: asdict(pin) for key, pin in sorted(self._pins.items())}
                write_private(self.path, json.dumps({"version": _FORMAT, "pins": held}, indent=1))
        except OSError as error:
            raise TrustError(f"cannot write pins to {self.path}: {error.strerror}") from error

    @staticmethod
    def _read(path: Path) -> dict[str, Pin]:
        try:
            data = files.read_json(path, _FILE_MAX)
            if data["version"] != _FORMAT:
                raise ValueError("it was written by another version")
            return {str(key): _pin(value) for key, value in data["pins"].items()}
        except FileError as error:
            if error.is_missing:
                return {}
            raise _no_pins(path, error.why) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _no_pins(path, str(error)) from error


def _no_pins(path: Path, why: str) -> TrustError:
    return TrustError(
        f"cannot read the pins in {path}: {why}", fix="repair the file, or move it away and confirm again"
    )


def _read_line(line: str) -> asyncssh.SSHKnownHosts | None:
    """One line on its own; None where it says nothing that can be read."""
    known = asyncssh.import_known_hosts("")
    try:
        known.load(line)
    except (ValueError, UnicodeError):
        return None
    return known if known._exact_entries or known._pattern_entries else None  # noqa: SLF001 - it tells no other way


def spec_pin(endpoint: Endpoint) -> Pin | None:
    """The fingerprint from the spec; TrustError when it is none."""
    if not endpoint.pinned:
        return None
    fingerprint = normal_fingerprint(endpoint.pinned)
    if fingerprint is None:
        raise TrustError(
            f"cannot read the fingerprint of {endpoint.server} ({endpoint.plane}) in the spec",
            fix="write SHA256:... as ssh-keygen -l prints it, or 64 hex digits",
        )
    return Pin(fingerprint, "", "spec")


def _pin(value: Any) -> Pin:
    fields = {name: str(value[name]) for name in ("fingerprint", "algorithm", "origin", "material")}
    return Pin(**fields)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
