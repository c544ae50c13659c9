"""Who two hosts are to each other: certificates of one authority that name machines.

Only the authority that vouches for this host counts. The file of authorities may hold others as
well, such as the one an operator's certificate for the server comes from; those know nothing of
machines. Names of hosts play no role: a certificate says which machine shows it, and whoever
connects knows which one is meant.
"""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from holdfast.base.clock import Clock
from holdfast.replication.link_errors import (
    IdentityUnusable,
    OwnCertificateEarly,
    OwnCertificateExpired,
    OwnCertificateForClients,
)

_MACHINE = "urn:holdfast:machine:"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkIdentity:
    """How this host proves who it is; names of files, which are read anew for each connection."""

    certificate: str
    key: str
    ca: str

    def read(self) -> "Shown":
        """What others see of us."""
        return shown(_one(self.certificate))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a certificate says; `fingerprint` is SHA-256 of its DER form in hex."""

    machine: str
    fingerprint: str
    begins: datetime
    ends: datetime
    is_for_both_ends: bool


# Whether a certificate was taken back; sites and sources hear of those from their server.
IsRevoked = Callable[[Shown], bool]


def nobody_revoked(_shown: Shown) -> bool:
    return False


def shown(certificate: x509.Certificate) -> Shown:
    """ValueError says why it is none of a machine's."""
    return Shown(
        machine=_machine_of(certificate),
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
        begins=certificate.not_valid_before_utc,
        ends=certificate.not_valid_after_utc,
        is_for_both_ends=_is_for_both_ends(certificate),
    )


def shown_by(connection: ssl.SSLSocket) -> Shown:
    """What the other side of a connection has proved to be."""
    content = connection.getpeercert(binary_form=True)
    if content is None:
        raise ValueError("it shows no certificate")
    return shown(x509.load_der_x509_certificate(content))


def client_context(identity: LinkIdentity, clock: Clock) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # What is connected to is known by its machine's id, see shown_by.
    context.check_hostname = False
    return _equipped(context, identity, clock)


def server_context(identity: LinkIdentity, clock: Clock) -> ssl.SSLContext:
    if not _read(identity).is_for_both_ends:
        raise OwnCertificateForClients(file=identity.certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # Nobody comes back without showing the certificate.
    context.num_tickets = 0
    return _equipped(context, identity, clock)


def _equipped(context: ssl.SSLContext, identity: LinkIdentity, clock: Clock) -> ssl.SSLContext:
    _require_current(identity, clock.now())
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=_authority_of(identity))
    try:
        # The callback keeps OpenSSL from asking at the terminal.
        context.load_cert_chain(identity.certificate, identity.key, password=lambda: b"")
    except (OSError, ssl.SSLError) as err:
        reason = err.strerror or err
        raise IdentityUnusable(file=identity.key, reason=reason) from err
    return context


def _require_current(identity: LinkIdentity, now: datetime) -> None:
    mine = _read(identity)
    if now >= mine.ends:
        raise OwnCertificateExpired(file=identity.certificate, ended=mine.ends, now=now)
    if now < mine.begins:
        raise OwnCertificateEarly(file=identity.certificate, begins=mine.begins, now=now)


def _read(identity: LinkIdentity) -> Shown:
    try:
        return identity.read()
    except ValueError as err:
        raise IdentityUnusable(file=identity.certificate, reason=err) from err


def _authority_of(identity: LinkIdentity) -> str:
    """The one that issued our certificate."""
    mine = _one(identity.certificate)
    for authority in _all(identity.ca):
        try:
            mine.verify_directly_issued_by(authority)
        except (ValueError, TypeError, InvalidSignature):
            continue
        return authority.public_bytes(serialization.Encoding.PEM).decode("ascii")
    reason = f"none of those in {identity.ca} has issued it"
    raise IdentityUnusable(file=identity.certificate, reason=reason)


def _one(file: str) -> x509.Certificate:
    return _all(file)[0]


def _all(file: str) -> list[x509.Certificate]:
    try:
        with open(file, "rb") as stream:
            return x509.load_pem_x509_certificates(stream.read())
    except OSError as err:
        raise IdentityUnusable(file=file, reason=err.strerror) from err
    except ValueError as err:
        raise IdentityUnusable(file=file, reason=str(err).partition("\n")[0]) from err


def _machine_of(certificate: x509.Certificate) -> str:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound as err:
        raise ValueError("it names no machine") from err
    found = [
        uri.removeprefix(_MACHINE)
        for uri in names.get_values_for_type(x509.UniformResourceIdentifier)
        if uri.startswith(_MACHINE)
    ]
    common = [
        str(one.value) for one in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    ]
    if len(found) != 1 or found != common:
        raise ValueError("it names no machine, or more than one")
    return found[0]


def _is_for_both_ends(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return ExtendedKeyUsageOID.SERVER_AUTH in usage and ExtendedKeyUsageOID.CLIENT_AUTH in usage
