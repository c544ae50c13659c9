"""The private key of a machine's certificate, made here and never sent, and the request for one."""

import base64
from collections.abc import Iterator

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from holdfast.app.agent_folder import AgentFolder, read_if_there
from holdfast.fleet.key_proof import KeyProof, signed_words


def signing_request(folder: AgentFolder) -> str:
    """A request for the key of this folder, which is made if there is none."""
    content = read_if_there(folder.key)
    if content is None:
        content = _new_key()
        folder.write(folder.key, content)
    key = serialization.load_pem_private_key(content, password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey), "this file is written here only"
    # The authority looks at the key alone, and gives the name itself.
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "machine")])
    request = x509.CertificateSigningRequestBuilder(name).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode("ascii")


def proofs_of(
    folder: AgentFolder, *, credentials_id: str, machine_id: str, csr: str = ""
) -> list[KeyProof]:
    """That this is the machine, by each key it may have been known by last."""
    words = signed_words(credentials_id=credentials_id, machine_id=machine_id, csr=csr)
    # A crash may have come after the server took in the key of a registration or a renewal.
    return [_proof(key, words) for key in _keys(folder.next, folder.renewal, folder)]


def _keys(*folders: AgentFolder) -> Iterator[ec.EllipticCurvePrivateKey]:
    for folder in folders:
        content = read_if_there(folder.key)
        try:
            key = serialization.load_pem_private_key(content or b"", password=None)
        except ValueError:
            # Damaged, it proves nothing; the server says what else does.
            continue
        if isinstance(key, ec.EllipticCurvePrivateKey):
            yield key


def _proof(key: ec.EllipticCurvePrivateKey, words: bytes) -> KeyProof:
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    signature = key.sign(words, ec.ECDSA(hashes.SHA256()))
    return KeyProof(
        public_key=base64.b64encode(public).decode(),
        signature=base64.b64encode(signature).decode(),
    )


def certificate_end(content: bytes) -> str:
    """When the certificate expires, in words a person can read."""
    certificate = x509.load_pem_x509_certificate(content)
    return f"{certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"


def _new_key() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
