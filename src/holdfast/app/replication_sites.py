"""The sites this host may replicate to: those it has joined, and those its server told it of."""

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from holdfast.app.agent_folder import AgentFolder
from holdfast.app.registration_state import find_registration
from holdfast.app.replication_admission import NAME, Admission
from holdfast.app.replication_errors import SiteFileUnreadable, SiteUnknown
from holdfast.app.replication_notes import write_note, write_private
from holdfast.app.replication_roles import sites_told
from holdfast.fleet.replication_messages import SourceSite
from holdfast.replication.link_identity import LinkIdentity
from holdfast.replication.settings import SiteAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSite:
    address: SiteAddress
    identity: LinkIdentity

    @property
    def name(self) -> str:
        return self.address.site


def join(home: str, file: str) -> KnownSite:
    """Take in what a site has made for this host; again with a newer file, it replaces the old."""
    given = _read(file)
    if not NAME.fullmatch(given.to.site):
        raise SiteFileUnreadable(file=file, reason=repr(given.to.site))
    folder = _folder(home) / given.to.site
    files = _files(folder)
    for path, content in (
        (files.ca, given.authority),
        (files.certificate, given.certificate),
        (files.key, given.key),
    ):
        write_private(Path(path), content.encode("ascii"))
    # The file that makes it a site comes last.
    write_note(folder / "address.json", given.to)
    return KnownSite(address=given.to, identity=files)


def known_sites(home: str) -> list[KnownSite]:
    """Those of the server first: by its names they are meant everywhere."""
    found = {one.name: one for one in (*_of_server(home), *_joined(home))}
    return list(found.values())


def find_site(home: str, name: str) -> KnownSite:
    sites = known_sites(home)
    for one in sites:
        if name in (one.name, one.address.machine):
            return one
    raise SiteUnknown(site=name, known=", ".join(one.name for one in sites) or "-")


def joined_only(home: str, name: str) -> SiteAddress | None:
    """A site by a file of its own, of which the server of this host has said nothing."""
    if any(one.site == name for one in sites_told(home)):
        return None
    return next((one.address for one in _joined(home) if one.name == name), None)


def identity_of(home: str, address: SiteAddress) -> LinkIdentity:
    """For a site that is replicated to, whatever has become of its name since."""
    sites = known_sites(home)
    for one in sites:
        if one.address.machine == address.machine:
            return one.identity
    # One the server has named just now; its roles come with the next heartbeat.
    found = own_identity(home)
    if found is None:
        raise SiteUnknown(site=address.site, known=", ".join(one.name for one in sites) or "-")
    return found


def _of_server(home: str) -> list[KnownSite]:
    identity = own_identity(home)
    if identity is None:
        return []
    return [KnownSite(address=address_of(one), identity=identity) for one in sites_told(home)]


def address_of(told: SourceSite) -> SiteAddress:
    return SiteAddress(site=told.site, machine=told.machine, host=told.host, port=told.port)


def _folder(home: str) -> Path:
    return Path(home, "sites")


def _files(folder: Path) -> LinkIdentity:
    return LinkIdentity(
        certificate=str(folder / "source.pem"),
        key=str(folder / "source.key"),
        ca=str(folder / "authority.pem"),
    )


def _joined(home: str) -> list[KnownSite]:
    found = []
    for note in sorted(_folder(home).glob("*/address.json")):
        try:
            address = msgspec.json.decode(note.read_bytes(), type=SiteAddress)
        except (OSError, msgspec.DecodeError, UnicodeError) as err:
            raise SiteFileUnreadable(file=str(note), reason=err) from err
        found.append(KnownSite(address=address, identity=_files(note.parent)))
    return found


def own_identity(home: str) -> LinkIdentity | None:
    """Of a registered host: its server's authority vouches for it as source and as site."""
    if find_registration(home) is None:
        return None
    folder = AgentFolder.of(home)
    return LinkIdentity(certificate=folder.certificate, key=folder.key, ca=folder.ca)


def _read(file: str) -> Admission:
    try:
        with open(file, "rb") as stream:
            return msgspec.json.decode(stream.read(), type=Admission)
    except (OSError, msgspec.DecodeError, UnicodeError) as err:
        raise SiteFileUnreadable(file=os.fspath(file), reason=err) from err
