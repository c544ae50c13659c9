"""How our certificates look: an authority's, a server's, a machine's. Values in, values out."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from holdfast.app.control.authority_errors import SigningRequestRefused

AUTHORITY_LASTS = timedelta(days=3653)
SERVER_LASTS = timedelta(days=397)
MACHINE_LASTS = timedelta(days=90)
# Clocks differ: what is made here must be good at once on a machine that is a little behind.
_BEFORE = timedelta(minutes=10)
_LONGEST_REQUEST = 16 * 1024

Key = ec.EllipticCurvePrivateKey
PublicKey = ec.EllipticCurvePublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Who signs: an authority's certificate and its key."""

    certificate: x509.Certificate
    key: Key


def new_key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def key_bytes(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def certificate_text(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the DER form in hex, as the `certificates` table keys it."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def authority_certificate(key: Key, *, now: datetime) -> x509.Certificate:
    # The key's own mark is in the name, so that two servers' authorities are never confused.
    mark = x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest.hex()[:8]
    name = _name(f"Holdfast CA {mark}")
    builder = _builder(name, name, key.public_key(), now=now, lasts=AUTHORITY_LASTS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs_others=True), critical=True)
    return builder.sign(key, hashes.SHA256())


def server_certificate(
    signer: Signer, key: PublicKey, *, names: Sequence[str], now: datetime
) -> x509.Certificate:
    subject = _name(names[0][:64])
    builder = _builder(subject, signer.certificate.subject, key, now=now, lasts=SERVER_LASTS)
    alternatives = x509.SubjectAlternativeName([_general_name(name) for name in names])
    builder = builder.add_extension(alternatives, critical=False)
    return _sign_leaf(builder, signer, purposes=[ExtendedKeyUsageOID.SERVER_AUTH])


def machine_certificate(
    signer: Signer,
    key: PublicKey,
    *,
    machine_id: str,
    now: datetime,
    lasts: timedelta = MACHINE_LASTS,
) -> x509.Certificate:
    subject = _name(machine_id)
    builder = _builder(subject, signer.certificate.subject, key, now=now, lasts=lasts)
    # Some verifiers look at no other name than this one.
    alternative = x509.UniformResourceIdentifier(f"urn:holdfast:machine:{machine_id}")
    builder = builder.add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
    # Machines connect to each other as well. No name of a host is in it, so that none of them can
    # pass for the server.
    purposes = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
    return _sign_leaf(builder, signer, purposes=purposes)


def requested_key(csr: str) -> PublicKey:
    """The public key of a request whose sender holds its private half; all else in it is ignored."""
    if len(csr) > _LONGEST_REQUEST:
        raise SigningRequestRefused(reason=f"it is longer than {_LONGEST_REQUEST} bytes")
    try:
        request = x509.load_pem_x509_csr(csr.encode())
        has_proof = request.is_signature_valid
        key = request.public_key()
    except (ValueError, TypeError, InvalidSignature) as err:
        raise SigningRequestRefused(reason=str(err).partition("\n")[0]) from err
    if not has_proof:
        raise SigningRequestRefused(reason="its signature is not that of its own key")
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise SigningRequestRefused(reason="its key is not on the curve P-256")
    return key


def names_in(certificate: x509.Certificate) -> list[str]:
    """The host names and addresses a server's certificate is good for."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [str(name.value) for name in found]


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: PublicKey,
    *,
    now: datetime,
    lasts: timedelta,
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number())
    builder = builder.not_valid_before(now - _BEFORE).not_valid_after(now + lasts)
    mark = x509.SubjectKeyIdentifier.from_public_key(key)
    return builder.add_extension(mark, critical=False)


def _sign_leaf(
    builder: x509.CertificateBuilder, signer: Signer, *, purposes: list[x509.ObjectIdentifier]
) -> x509.Certificate:
    whose = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key())
    builder = builder.add_extension(
        x509.BasicConstraints(ca=False, path_length=None), critical=True
    )
    builder = builder.add_extension(_usage(signs_others=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    builder = builder.add_extension(whose, critical=False)
    return builder.sign(signer.key, hashes.SHA256())


def _usage(*, signs_others: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_others,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_others,
        crl_sign=signs_others,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name.encode("idna").decode("ascii"))
