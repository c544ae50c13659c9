"""The private key of a machine's certificate, made here and never sent, and the request for one."""

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from holdfast.app.agent_folder import AgentFolder, read_if_there


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
