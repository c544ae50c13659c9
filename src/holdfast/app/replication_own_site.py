"""What this host is as a site: as its server says, else as it was told here."""

from dataclasses import dataclass

from holdfast.app.registration_state import find_registration
from holdfast.app.replication_admission import SiteFolder
from holdfast.app.replication_errors import SiteNotSet
from holdfast.app.replication_roles import load_roles
from holdfast.app.replication_sites import own_identity
from holdfast.fleet.replication_messages import SiteRole
from holdfast.replication.link_identity import LinkIdentity
from holdfast.replication.settings import DEFAULT_PORT


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePlan:
    name: str
    machine: str
    folder: str
    # "": every address of this host.
    host: str = ""
    port: int = DEFAULT_PORT
    identity: LinkIdentity
    # Made a site by the server, which also says who may send.
    is_servers: bool = False


def is_site(home: str) -> bool:
    if site_role(home) is not None:
        return True
    known = SiteFolder(home).load()
    return known is not None and bool(known.folder)


def site_role(home: str) -> SiteRole | None:
    roles = load_roles(home)
    return roles.site if roles else None


def site_plan(home: str) -> SitePlan:
    role, identity, registration = site_role(home), own_identity(home), find_registration(home)
    if role is not None and identity is not None and registration is not None:
        return SitePlan(
            name=role.site,
            machine=registration.machine_id,
            folder=role.folder,
            port=role.port,
            identity=identity,
            is_servers=True,
        )
    folder = SiteFolder(home)
    own = folder.need()
    if not own.folder:
        raise SiteNotSet
    return SitePlan(
        name=own.name,
        machine=own.machine,
        folder=own.folder,
        host=own.host,
        port=own.port,
        identity=LinkIdentity(
            certificate=str(folder.certificate),
            key=str(folder.key),
            ca=str(folder.authority),
        ),
    )
