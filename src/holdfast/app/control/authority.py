"""The server's own authority: it vouches for machines, for the server, for credentials files.

Its keys lie in the server's state folder, each in a file of its own that appears whole. They are
made in this order: the authority's key, its certificate, the signing key. A crash in between
leaves a beginning that the next start completes, and never a certificate without its key.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from holdfast.app.control import certifying
from holdfast.app.control.authority_errors import ServerKeyMissing, ServerKeyUnreadable
from holdfast.app.control.certifying import Signer
from holdfast.app.control.key_files import make_private_folder, read, write_once

CA_KEY, CA, SIGNING_KEY = "ca.key", "ca.pem", "signing.key"
# All that one server needs to stand in for another.
KEYS = (CA_KEY, CA, SIGNING_KEY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A certificate, with what is kept of it."""

    pem: str
    fingerprint: str
    issued_at: datetime
    expires_at: datetime


class Authority:
    def __init__(self, signer: Signer, signing_key: ed25519.Ed25519PrivateKey) -> None:
        self._signer = signer
        self._signing_key = signing_key
        # Of a certificate that the operator brought for the server, if so.
        self.operators_chain = ""

    @property
    def ca_pem(self) -> str:
        """The authority's own certificate: what machines' certificates are checked by."""
        return certifying.certificate_text(self._signer.certificate)

    @property
    def trust_pem(self) -> str:
        """What machines check the server's certificate by."""
        return self.ca_pem + self.operators_chain

    @property
    def fingerprint(self) -> str:
        return certifying.fingerprint(self._signer.certificate)

    @property
    def signing_public(self) -> bytes:
        """The Ed25519 key, 32 bytes, that checks what `sign` made."""
        return self._signing_key.public_key().public_bytes_raw()

    def sign(self, content: bytes) -> bytes:
        """Sign a credentials file; 64 bytes."""
        return self._signing_key.sign(content)

    def secret_for(self, purpose: bytes) -> bytes:
        """32 bytes that only those who have our keys can make."""
        made = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"holdfast " + purpose)
        return made.derive(self._signing_key.private_bytes_raw())

    def issue_client_certificate(self, csr: str, machine_id: str, *, now: datetime) -> Issued:
        """A certificate for the machine; the request gives the key and its proof, no more."""
        key = certifying.requested_key(csr)
        made = certifying.machine_certificate(self._signer, key, machine_id=machine_id, now=now)
        return _issued(made)

    def has_issued(self, certificate: x509.Certificate) -> bool:
        try:
            certificate.verify_directly_issued_by(self._signer.certificate)
        except (ValueError, TypeError, InvalidSignature):
            return False
        return True

    def issue_server_certificate(
        self, key: certifying.PublicKey, names: Sequence[str], *, now: datetime
    ) -> Issued:
        return _issued(certifying.server_certificate(self._signer, key, names=names, now=now))


def load_authority(folder: str, *, now: datetime) -> Authority:
    """The authority whose keys lie in the folder; what is missing of a new one is made."""
    make_private_folder(folder)
    signer = _load_signer(folder, now=now)
    path = os.path.join(folder, SIGNING_KEY)
    content = read(path) or write_once(path, _new_signing_key())
    signing_key = load_key(path, content)
    if not isinstance(signing_key, ed25519.Ed25519PrivateKey):
        raise ServerKeyUnreadable(file=path, reason="it is no Ed25519 key")
    return Authority(signer, signing_key)


def load_key(path: str, content: bytes) -> object:
    try:
        return serialization.load_pem_private_key(content, password=None)
    except (ValueError, TypeError) as err:
        raise ServerKeyUnreadable(file=path, reason=str(err).partition("\n")[0]) from err


def load_certificate(path: str, content: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(content)
    except ValueError as err:
        raise ServerKeyUnreadable(file=path, reason=str(err).partition("\n")[0]) from err


def _load_signer(folder: str, *, now: datetime) -> Signer:
    key_path, path = os.path.join(folder, CA_KEY), os.path.join(folder, CA)
    certificate_content, key_content = read(path), read(key_path)
    if certificate_content is not None and key_content is None:
        # A new key would make every machine a stranger: nobody wants that by accident.
        raise ServerKeyMissing(certificate=path, key=key_path)
    key_content = key_content or write_once(key_path, certifying.key_bytes(certifying.new_key()))
    key = load_key(key_path, key_content)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ServerKeyUnreadable(file=key_path, reason="it is no key on an elliptic curve")
    if certificate_content is None:
        made = certifying.certificate_text(certifying.authority_certificate(key, now=now))
        certificate_content = write_once(path, made.encode())
    certificate = load_certificate(path, certificate_content)
    if certificate.public_key() != key.public_key():
        raise ServerKeyUnreadable(file=path, reason=f"it does not belong to {key_path}")
    return Signer(certificate=certificate, key=key)


def _new_signing_key() -> bytes:
    return ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _issued(certificate: x509.Certificate) -> Issued:
    return Issued(
        pem=certifying.certificate_text(certificate),
        fingerprint=certifying.fingerprint(certificate),
        issued_at=certificate.not_valid_before_utc,
        expires_at=certificate.not_valid_after_utc,
    )
