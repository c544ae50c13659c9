"""The server's certificate and how connections are secured with it."""

import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from holdfast.app.control import certifying
from holdfast.app.control.authority import Authority, load_certificate, load_key
from holdfast.app.control.key_files import read, replace, write_once
from holdfast.app.control.server_errors import CertificatePairWrong

KEY, CERTIFICATE = "server.key", "server.pem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Where a certificate with its chain and its key lie."""

    certificate: Path
    key: Path

    @classmethod
    def of(cls, certificate: str, key: str) -> "Pair":
        return cls(certificate=Path(certificate), key=Path(key))


def own_pair(folder: str, authority: Authority, *, names: Sequence[str], now: datetime) -> Pair:
    """A certificate of our own authority for these names, made or renewed when it is time."""
    pair = Pair.of(os.path.join(folder, CERTIFICATE), os.path.join(folder, KEY))
    fresh = certifying.key_bytes(certifying.new_key())
    content = read(str(pair.key)) or write_once(str(pair.key), fresh)
    key = load_key(str(pair.key), content)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise CertificatePairWrong(
            certificate=pair.certificate, key=pair.key, reason="it is no key on an elliptic curve"
        )
    if not _is_good(pair, key, authority, names=names, now=now):
        issued = authority.issue_server_certificate(key.public_key(), names, now=now)
        # With the authority's own behind it: who trusts us by fingerprint finds it there.
        replace(str(pair.certificate), (issued.pem + authority.ca_pem).encode())
    return pair


def make_context(pair: Pair, authority: Authority) -> ssl.SSLContext:
    """Callers may show a certificate; what is shown must be of our authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(cadata=authority.ca_pem)
    context.set_alpn_protocols(["http/1.1"])
    load_pair(context, pair)
    return context


def load_pair(context: ssl.SSLContext, pair: Pair) -> None:
    """Take the files as they are now; connections that are open keep what they had."""
    try:
        # The callback keeps OpenSSL from asking at the terminal.
        context.load_cert_chain(pair.certificate, pair.key, password=lambda: b"")
    except (OSError, ssl.SSLError) as err:
        raise CertificatePairWrong(
            certificate=pair.certificate, key=pair.key, reason=err.strerror or err
        ) from err


def chain_of(pair: Pair) -> str:
    """What machines must trust to check an operator's own certificate: all of its file."""
    try:
        found = x509.load_pem_x509_certificates(pair.certificate.read_bytes())
    except (OSError, ValueError) as err:
        raise CertificatePairWrong(
            certificate=pair.certificate, key=pair.key, reason=str(err).partition("\n")[0]
        ) from err
    return "".join(certifying.certificate_text(one) for one in found)


def _is_good(
    pair: Pair,
    key: ec.EllipticCurvePrivateKey,
    authority: Authority,
    *,
    names: Sequence[str],
    now: datetime,
) -> bool:
    content = read(str(pair.certificate))
    if content is None:
        return False
    certificate = load_certificate(str(pair.certificate), content)
    renewal = certificate.not_valid_after_utc - certifying.SERVER_LASTS / 3
    return (
        now < renewal
        and certificate.public_key() == key.public_key()
        and authority.has_issued(certificate)
        and set(names) <= set(certifying.names_in(certificate))
    )
