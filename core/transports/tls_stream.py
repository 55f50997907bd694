"""TLS over any byte stream, as client: handshake first, data later, so that a pin is compared in between."""

from __future__ import annotations

import ssl
import warnings
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa

from core.text import inert
from core.transports.fingerprints import Shown, fingerprint_of
from core.transports.wire import Reader, Writer

_CHUNK = 64 * 1024
_LEGACY_SERVER_CONNECT = 0x4  # ssl.OP_LEGACY_SERVER_CONNECT of Python 3.12: servers older than RFC 5746
_KEY_BITS_MIN = 2048  # RSA and DSA; what OpenSSL's security level 2 asks for
_TODAY = ("TLSv1.2", "TLSv1.3")
_VERSION_WORDS = {"TLSv1": "TLS 1.0", "TLSv1.1": "TLS 1.1", "SSLv3": "SSL 3.0"}


def client_context(allow_old: bool) -> ssl.SSLContext:
    """A context that proves nothing by itself (pins do); without `allow_old` TLS 1.2 and security level 2."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if not allow_old:
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("DEFAULT:!aNULL:!eNULL:@SECLEVEL=2")
        return context
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that TLS 1.0 is old is the point of the setting
        context.minimum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("ALL:!aNULL:!eNULL:@SECLEVEL=0")
    context.options |= _LEGACY_SERVER_CONNECT
    return context


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate as shown in a handshake; `bits` None when the key could not be read."""

    shown: Shown
    bits: int | None
    is_elliptic: bool
    not_before: datetime | None = None  # aware UTC
    not_after: datetime | None = None

    @property
    def is_weak(self) -> bool:
        """Its key is shorter than today's minimum, or nobody can tell."""
        return self.bits is None or (not self.is_elliptic and self.bits < _KEY_BITS_MIN)


def read_certificate(der: bytes) -> Certificate:
    """Fingerprint and key of a certificate; one that cannot be parsed keeps its fingerprint."""
    words, bits, elliptic = "x509 (unreadable)", None, False
    begins = ends = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd serial numbers and the like of old tools
            parsed = x509.load_der_x509_certificate(der)
            key, begins, ends = parsed.public_key(), parsed.not_valid_before_utc, parsed.not_valid_after_utc
    except Exception:  # noqa: BLE001 - a hostile certificate may raise anything; it is then unreadable
        key = None
    match key:
        case rsa.RSAPublicKey():
            words, bits = f"x509 RSA {key.key_size}", key.key_size
        case dsa.DSAPublicKey():
            words, bits = f"x509 DSA {key.key_size}", key.key_size
        case ec.EllipticCurvePublicKey():
            words, bits, elliptic = f"x509 EC {inert(key.curve.name, 40)}", key.key_size, True
        case None:
            pass
        case _:
            words, bits, elliptic = f"x509 {type(key).__name__.removesuffix('PublicKey')}", 256, True
    shown = Shown(fingerprint_of(der), words, ssl.DER_cert_to_PEM_cert(der))
    return Certificate(shown, bits, elliptic, begins, ends)


class TlsStream:
    """One TLS connection over `reader` and `writer`; after `handshake` the certificate is there, no data was sent."""

    def __init__(self, reader: Reader, writer: Writer, context: ssl.SSLContext) -> None:
        self._reader, self._writer = reader, writer
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=False)
        self.certificate: Certificate | None = None
        self.version = ""
        self.cipher = ""

    async def handshake(self) -> Certificate:
        """Shake hands; raises ssl.SSLError, EOFError or OSError."""
        while True:
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                await self._flush()
                await self._fill()
            except ssl.SSLError:
                await self._flush()  # the alert that says why
                raise
        await self._flush()
        der = self._tls.getpeercert(binary_form=True)
        if not der:
            raise ssl.SSLError(1, "the server shows no certificate")
        self.certificate = read_certificate(der)
        self.version, (self.cipher, *_) = self._tls.version() or "", self._tls.cipher() or ("",)
        return self.certificate

    def old_in_use(self) -> list[str]:
        """What of this connection needs the setting for old cryptography."""
        old = []
        if self.version not in _TODAY:
            old.append(_VERSION_WORDS.get(self.version, inert(self.version, 20)))
        if self.cipher not in _modern_ciphers():
            old.append(f"cipher {inert(self.cipher, 60)}")
        if self.certificate is not None and self.certificate.is_weak:
            old.append(f"certificate {self.certificate.shown.algorithm}")
        return old

    async def write(self, data: bytes) -> None:
        """Send all of `data`."""
        view = memoryview(data)
        while view:
            view = view[self._tls.write(view) :]
            await self._flush()

    async def read(self) -> bytes:
        """The next piece of data, b'' at the end (also when the peer just hangs up, as old agents do)."""
        while True:
            try:
                return self._tls.read(_CHUNK)
            except ssl.SSLWantReadError:
                await self._flush()
                try:
                    await self._fill()
                except EOFError:
                    return b""
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""

    async def _flush(self) -> None:
        if data := self._outgoing.read():
            self._writer.write(data)
            await self._writer.drain()

    async def _fill(self) -> None:
        if data := await self._reader.read(_CHUNK):
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
            raise EOFError


@cache
def _modern_ciphers() -> frozenset[str]:
    return frozenset(str(cipher["name"]) for cipher in client_context(False).get_ciphers())
