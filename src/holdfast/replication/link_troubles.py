"""What OpenSSL and the kernel say about a connection, as errors of ours.

Numbers are those of X509_verify_cert; alerts of TLS come as names in `reason`. In TLS 1.3 a client
has long finished its handshake when the server looks at its certificate: what the server thinks of
it comes when the client reads for the first time.
"""

import ssl
from datetime import datetime

from holdfast.base.errors import HoldfastError
from holdfast.replication.link_errors import (
    LinkGarbled,
    LinkLost,
    SiteCertificateExpired,
    SiteCertificateForClients,
    SiteClockDiffers,
    SiteNotTrusted,
    SiteRefusesAuthority,
    SiteRefusesCertificate,
    SourceCertificateExpired,
    SourceClockDiffers,
    SourceNotAMachine,
    SourceNotTrusted,
    SourceNotUnderstood,
)

# What a site thinks of a certificate that is good by the clock here.
_OF_CLOCKS = {
    "ALERT_CERTIFICATE_EXPIRED": "by its clock our certificate has expired",
    "ALERT_BAD_CERTIFICATE": "by its clock our certificate has not begun",
}


def trouble_with_site(err: OSError, place: str, now: datetime) -> HoldfastError:
    """At the source, whose own certificate is good by its own clock."""
    if isinstance(err, ssl.SSLCertVerificationError):
        return _site_shows(err, place, now)
    reason = _reason(err)
    for alert, said in _OF_CLOCKS.items():
        if alert in reason:
            return SiteClockDiffers(place=place, reason=said, now=now)
    if "ALERT_UNKNOWN_CA" in reason:
        return SiteRefusesAuthority(place=place, reason=reason)
    if "CERTIFICATE" in reason or "ALERT_DECRYPT_ERROR" in reason:
        return SiteRefusesCertificate(place=place, reason=reason)
    kind = LinkGarbled if _is_of_tls(err) else LinkLost
    return kind(place=place, reason=reason)


def _site_shows(err: ssl.SSLCertVerificationError, place: str, now: datetime) -> HoldfastError:
    match err.verify_code:
        case 9:
            said = "the certificate of the site has not begun"
            return SiteClockDiffers(place=place, reason=said, now=now)
        case 10:
            return SiteCertificateExpired(place=place, now=now)
        case 26:
            return SiteCertificateForClients(place=place)
        case _:
            return SiteNotTrusted(place=place, reason=err.verify_message)


def trouble_with_source(err: OSError, address: str, now: datetime) -> HoldfastError:
    """At the site."""
    if isinstance(err, ssl.SSLCertVerificationError):
        match err.verify_code:
            case 9:
                return SourceClockDiffers(address=address, now=now)
            case 10:
                return SourceCertificateExpired(address=address, now=now)
            case 26:
                return SourceNotAMachine(address=address, reason=err.verify_message)
            case _:
                return SourceNotTrusted(address=address, reason=err.verify_message)
    reason = _reason(err)
    if "DID_NOT_RETURN_A_CERTIFICATE" in reason:
        return SourceNotAMachine(address=address, reason="it shows none")
    return SourceNotUnderstood(address=address, reason=reason)


def _is_of_tls(err: OSError) -> bool:
    ends = ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError
    return isinstance(err, ssl.SSLError) and not isinstance(err, ends)


def _reason(err: OSError) -> str:
    if isinstance(err, ssl.SSLError) and err.reason:
        return str(err.reason)
    return str(err.strerror or err)
