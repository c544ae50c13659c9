"""Hosts with certificates of one authority, and a site that is served on a free port.

vouching = Vouching(tmp_path)
with served(vouching, receiver) as site:
    peer = Peer(site.address, vouching.identity("source"), clock=SystemClock())
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID

from holdfast.app.control import certifying
from holdfast.app.control.certifying import Key, Signer
from holdfast.base.clock import Clock, SystemClock
from holdfast.replication.link_identity import LinkIdentity
from holdfast.replication.link_server import LinkServer, ListenAt, ServerLimits, SiteRules
from holdfast.replication.receiver import Receiver
from holdfast.replication.settings import SiteAddress

SITE, SOURCE = "5170000000000001", "5000000000000001"


class Everybody:
    """Grants that let any machine write any replica."""

    def may_write(self, machine: str, vm: str) -> bool:  # noqa: ARG002  whoever it is
        return True

    may_tell = may_write


class Vouching:
    """An authority in a folder, with the certificates it has given."""

    def __init__(self, folder: Path, *, name: str = "authority") -> None:
        self._folder = folder / name
        self._folder.mkdir()
        key = certifying.new_key()
        self._now = SystemClock().now()
        self.signer = Signer(
            certificate=certifying.authority_certificate(key, now=self._now), key=key
        )
        self.ca = self._write("ca.pem", certifying.certificate_text(self.signer.certificate))

    def identity(
        self, machine: str, *, issued: timedelta = timedelta(0), only_client: bool = False
    ) -> LinkIdentity:
        """A new one; `issued` is how long from now its certificate begins."""
        key = certifying.new_key()
        made = certifying.machine_certificate(
            self.signer, key.public_key(), machine_id=machine, now=self._now + issued
        )
        if only_client:
            made = _for_clients(made, self.signer)
        return LinkIdentity(
            certificate=self._write(f"{machine}.pem", certifying.certificate_text(made)),
            key=self._write_key(f"{machine}.key", key),
            ca=self.ca,
        )

    def server_identity(self, name: str) -> LinkIdentity:
        """That of a server, which is no machine."""
        key = certifying.new_key()
        made = certifying.server_certificate(
            self.signer, key.public_key(), names=[name], now=self._now
        )
        return LinkIdentity(
            certificate=self._write(f"{name}.pem", certifying.certificate_text(made)),
            key=self._write_key(f"{name}.key", key),
            ca=self.ca,
        )

    def _write(self, name: str, content: str) -> str:
        path = self._folder / name
        path.write_text(content, encoding="ascii")
        return str(path)

    def _write_key(self, name: str, key: Key) -> str:
        path = self._folder / name
        path.write_bytes(certifying.key_bytes(key))
        return str(path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    address: SiteAddress
    server: LinkServer


@contextlib.contextmanager
def served(
    vouching: Vouching,
    receiver: Receiver,
    *,
    rules: SiteRules | None = None,
    clock: Clock | None = None,
    identity: LinkIdentity | None = None,
    limits: ServerLimits | None = None,
) -> Iterator[Served]:
    """A site on loopback, until the block ends."""
    server = LinkServer(
        receiver,
        identity or vouching.identity(SITE),
        rules or SiteRules(grants=Everybody()),
        clock=clock or SystemClock(),
        at=ListenAt(hosts=("127.0.0.1",), port=0),
        limits=limits or ServerLimits(),
    )
    with server:
        yield Served(address=address_at(server.port), server=server)


def address_at(port: int, *, machine: str = SITE) -> SiteAddress:
    return SiteAddress(site="elsewhere", machine=machine, host="127.0.0.1", port=port)


def _for_clients(made: x509.Certificate, signer: Signer) -> x509.Certificate:
    """As certificates of machines were before hosts were connected to."""
    builder = x509.CertificateBuilder(
        made.issuer,
        made.subject,
        made.public_key(),
        made.serial_number,
        made.not_valid_before_utc,
        made.not_valid_after_utc,
    )
    for extension in made.extensions:
        value = extension.value
        if isinstance(value, x509.ExtendedKeyUsage):
            value = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
        builder = builder.add_extension(value, critical=extension.critical)
    return builder.sign(signer.key, hashes.SHA256())
