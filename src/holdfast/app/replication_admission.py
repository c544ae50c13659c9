"""Sites without a server: who may send to this one, and what a source must bring to do so.

A site has an authority of its own. For each source it makes one file with everything that is
needed to reach it and to prove who one is; whoever is let go later is refused from then on.
"""

import os
import re
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from holdfast.app.control import certifying
from holdfast.app.control.certifying import Signer
from holdfast.app.replication_errors import SiteNotSet, SourceNameBad
from holdfast.app.replication_notes import read_note, write_note, write_private
from holdfast.app.wiring import Session
from holdfast.base.clock import Clock
from holdfast.replication.settings import DEFAULT_PORT, SiteAddress

VERSION = 1
# Of sites and sources: they become names of files.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LASTS = timedelta(days=3650)


class Admitted(msgspec.Struct, frozen=True, kw_only=True):
    machine: str
    at: datetime


class OwnSite(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What this host is as a site; `folder` empty: it takes nothing in yet."""

    version: int = VERSION
    name: str
    machine: str
    folder: str = ""
    # Where to listen; no host: at every address.
    host: str = ""
    port: int = DEFAULT_PORT
    admitted: dict[str, Admitted] = {}


class Admission(msgspec.Struct, frozen=True, kw_only=True):
    """The file a source is given; private, for the key in it."""

    version: int = VERSION
    to: SiteAddress
    authority: str
    certificate: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """The file for a source, and the number it is known by."""

    file: str
    machine: str


class SiteFolder:
    """HOME/site: this host as a site."""

    def __init__(self, home: str) -> None:
        self.path = Path(home, "site")

    @property
    def note(self) -> Path:
        return self.path / "site.json"

    @property
    def authority(self) -> Path:
        return self.path / "authority.pem"

    @property
    def certificate(self) -> Path:
        return self.path / "site.pem"

    @property
    def key(self) -> Path:
        return self.path / "site.key"

    @property
    def _authority_key(self) -> Path:
        return self.path / "authority.key"

    def load(self) -> OwnSite | None:
        return read_note(self.note, OwnSite)

    def need(self) -> OwnSite:
        found = self.load()
        if found is None:
            raise SiteNotSet
        return found

    def save(self, site: OwnSite) -> None:
        write_note(self.note, site)

    def make(self, name: str, clock: Clock) -> OwnSite:
        """What there is already stays; the note that makes it a site comes last."""
        if (known := self.load()) is not None:
            return known
        now, machine = clock.now(), str(uuid.uuid4())
        root, own = certifying.new_key(), certifying.new_key()
        signer = Signer(certificate=certifying.authority_certificate(root, now=now), key=root)
        shown = certifying.machine_certificate(
            signer, own.public_key(), machine_id=machine, now=now, lasts=_LASTS
        )
        write_private(self._authority_key, certifying.key_bytes(root))
        write_private(self.authority, _text(signer.certificate))
        write_private(self.key, certifying.key_bytes(own))
        write_private(self.certificate, _text(shown))
        site = OwnSite(name=name, machine=machine)
        self.save(site)
        return site

    def admit(self, source: str, address: tuple[str, int], clock: Clock) -> Admission:
        """For one admitted before, another file for the same machine: its replicas stay its own."""
        site, now = self.need(), clock.now()
        before = site.admitted.get(source)
        machine = before.machine if before else str(uuid.uuid4())
        key = certifying.new_key()
        shown = certifying.machine_certificate(
            self._signer(), key.public_key(), machine_id=machine, now=now, lasts=_LASTS
        )
        admitted = {**site.admitted, source: Admitted(machine=machine, at=now)}
        self.save(msgspec.structs.replace(site, admitted=admitted))
        host, port = address
        return Admission(
            to=SiteAddress(site=site.name, machine=site.machine, host=host, port=port),
            authority=self.authority.read_text("ascii"),
            certificate=certifying.certificate_text(shown),
            key=certifying.key_bytes(key).decode("ascii"),
        )

    def dismiss(self, source: str) -> bool:
        """Whether it was admitted; from now on it is refused."""
        site = self.need()
        others = {name: one for name, one in site.admitted.items() if name != source}
        self.save(msgspec.structs.replace(site, admitted=others))
        return source in site.admitted

    def _signer(self) -> Signer:
        key = serialization.load_pem_private_key(self._authority_key.read_bytes(), password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey), "this file is written here only"
        certificate = x509.load_pem_x509_certificate(self.authority.read_bytes())
        return Signer(certificate=certificate, key=key)


def admit(
    session: Session, source: str, *, address: tuple[str, int] | None, output: str | None
) -> Made:
    """Make a source's file; a host that is no site yet becomes one, which takes nothing in yet."""
    if not NAME.fullmatch(source):
        raise SourceNameBad(name=source)
    here = os.uname().nodename
    folder = SiteFolder(session.settings.home)
    site = folder.make(here, session.clock)
    host, port = address or ("", DEFAULT_PORT)
    made = folder.admit(source, (host or here, port), session.clock)
    file = os.path.abspath(output or f"{site.name}.holdfast-site-for-{source}")
    write_note(Path(file), made)
    return Made(file=file, machine=folder.need().admitted[source].machine)


def _text(certificate: x509.Certificate) -> bytes:
    return certifying.certificate_text(certificate).encode("ascii")
