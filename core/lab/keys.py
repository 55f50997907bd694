"""Throw-away identities of a lab: SSH host keys and self-signed certificates, made fast enough for a fleet.

Nothing here is a secret worth keeping: every lab makes its own and they die with it.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import os
import ssl
import tempfile
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import asyncssh
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.x509.oid import NameOID

# what a Java or OpenSSH 4.3 server of the time still offers and current clients refuse (manager-cli 1.1)
OLD_KEX = ("diffie-hellman-group1-sha1",)
OLD_CIPHERS = ("aes128-cbc",)
OLD_MACS = ("hmac-sha1",)
CERTIFICATE_DAYS = 3650


@dataclass(frozen=True, slots=True)
class TlsIdentity:
    """One self-signed certificate with its key, both PEM, and the fingerprint SHA256:... of its DER."""

    certificate: str
    key: str
    fingerprint: str
    is_old: bool


def ssh_host_key(*, old: bool = False) -> asyncssh.SSHKey:
    """A new host key: ed25519, or ssh-dss with 1024 bits for a server of the old kind."""
    if not old:
        return asyncssh.generate_private_key("ssh-ed25519")
    pem = (
        _dsa_parameters()
        .generate_private_key()
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    return asyncssh.import_private_key(pem)


def ssh_algorithms(*, old: bool = False) -> dict[str, list[str]]:
    """Options for asyncssh.listen: empty, or only the obsolete algorithms."""
    if not old:
        return {}
    return {"kex_algs": list(OLD_KEX), "encryption_algs": list(OLD_CIPHERS), "mac_algs": list(OLD_MACS)}


def tls_identity(name: str, address: str, *, old: bool = False) -> TlsIdentity:
    """A new self-signed certificate for a server: elliptic curve, or RSA with 1024 bits when `old`."""
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    key = rsa.generate_private_key(65537, 1024) if old else ec.generate_private_key(ec.SECP256R1())
    names = ((NameOID.ORGANIZATION_NAME, "OVM"), (NameOID.COMMON_NAME, name))
    subject = x509.Name([x509.NameAttribute(oid, value) for oid, value in names])
    start = dt.datetime.now(dt.UTC) - dt.timedelta(days=30)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=CERTIFICATE_DAYS))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name), x509.DNSName(address)]), critical=False
        )
    )
    certificate = builder.sign(key, hashes.SHA256())
    der = certificate.public_bytes(serialization.Encoding.DER)
    return TlsIdentity(
        certificate.public_bytes(serialization.Encoding.PEM).decode(),
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
        fingerprint(der),
        old,
    )


def server_context(identity: TlsIdentity) -> ssl.SSLContext:
    """A TLS server context for one identity; an old one speaks TLS 1.0 only, at security level 0."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if identity.is_old:
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # TLS 1.0 is what this server is for
            context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            context.maximum_version = ssl.TLSVersion.TLSv1
    descriptor, path = tempfile.mkstemp(prefix="lab-tls-")  # the ssl module reads keys from files only; 0600
    try:
        os.write(descriptor, (identity.key + identity.certificate).encode())
        os.close(descriptor)
        context.load_cert_chain(path)
    finally:
        Path(path).unlink()
    return context


def fingerprint(data: bytes) -> str:
    """SHA256:... in OpenSSH's form (base64 without padding) of a key blob or a certificate's DER."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


@cache
def _dsa_parameters() -> dsa.DSAParameters:
    return dsa.generate_parameters(1024)
