"""A machine's proof that it still has the key of its former certificate.

Who registers as a machine that is there already signs the request with that machine's key: the
credentials file alone makes new machines, and never takes one over.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass

_DOMAIN = "holdfast-register-again"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyProof:
    """Both in base64: the public key as SubjectPublicKeyInfo in DER, and its ECDSA signature."""

    public_key: str
    signature: str


def signed_words(*, credentials_id: str, machine_id: str, csr: str) -> bytes:
    """What is signed: this request, for this machine, and no other. Empty `csr`: only asking."""
    csr_hash = hashlib.sha256(csr.encode()).hexdigest()
    return f"{_DOMAIN}\n{credentials_id}\n{machine_id}\n{csr_hash}".encode()


def proven_key(proof: KeyProof, words: bytes) -> str | None:
    """SHA-256 of the public key that signed these words; None: it did not."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        der = base64.b64decode(proof.public_key, validate=True)
        signature = base64.b64decode(proof.signature, validate=True)
        key = serialization.load_der_public_key(der)
        if not isinstance(key, ec.EllipticCurvePublicKey):
            return None
        key.verify(signature, words, ec.ECDSA(hashes.SHA256()))
    except (binascii.Error, ValueError, InvalidSignature):
        return None
    return hashlib.sha256(der).hexdigest()
