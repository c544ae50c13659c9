"""What an agent and its server tell each other about replication.

The server says who takes replicas in and who may write them (`ReplicationRoles`); agents say how
each replication is (`ReplicationsTold`) and what lies at a site (`SiteTold`). Settings and status
travel as the files `settings.json` and `status.json` of a replication hold them.

    GET  /agent/replication          ReplicationRoles, with an ETag; 304 when it is known
    POST /agent/replications/wanted  ReplicationWanted -> SourceSite: may this be replicated there?
    PUT  /agent/replications         ReplicationsTold: all there are, and those that changed
    POST /agent/replications/ended   ReplicationEnded: this side has cleaned up
    PUT  /agent/site                 SiteTold: what lies at the site
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

MOST_REPLICATIONS = 2_000
# As many as a replica keeps, and some.
MOST_POINTS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterGrant:
    """One registered machine may write the replica of one virtual machine."""

    # The UUID of the virtual machine.
    vm: str
    # The id of the registered machine, as its certificate has it.
    machine: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRole:
    """Take replicas in here. Whoever is not named by a grant writes nothing."""

    site: str
    folder: str
    port: int
    grants: list[WriterGrant]
    # UUIDs of machines whose replicas are to be removed, as their replication was ended while this
    # site was away. Until `SiteTold` no longer has them.
    removals: list[str] = field(default_factory=list)
    # SHA-256 of the DER form, in hex: of certificates that were taken back and are not over yet.
    revoked: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSite:
    """Where a site is reached, and what its certificate must say."""

    site: str
    # The id of the site's registered machine.
    machine: str
    host: str
    port: int
    # Certificates of it that were taken back.
    revoked: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """A machine came to this host from another one: its replication goes on from here."""

    vm: str
    name: str
    site: str
    # As `settings.json` at the host before had it.
    settings: dict[str, Any]
    # The id of that host.
    came_from: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A replication this host is to clean up after, and then say so by `ReplicationEnded`."""

    vm: str
    site: str
    # "disabled", or "moved": it goes on from another host, and the replica is not to be touched.
    why: str
    keep_replica: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRole:
    """What a host that replicates machines has to know of the sites, and of what became of them."""

    sites: list[SourceSite]
    handovers: list[Handover] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationRoles:
    """All that a machine has to do with replication; None: no site, or nothing to replicate."""

    etag: str
    site: SiteRole | None = None
    source: SourceRole | None = None
    # UUIDs of machines that left their host: tell soon of all that are here.
    look_for: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationWanted:
    """This machine asks whether it may replicate one of its virtual machines to a site."""

    vm: str
    name: str
    site: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationReport:
    """One replication as the two files of its folder say."""

    vm: str
    site: str
    settings: dict[str, Any]
    # None: it has not begun, or its file cannot be read.
    status: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationsTold:
    """How the replications of a host are.

    `here` names all there are, as (UUID, site); `changed` has those of them that are other than
    they were told last. What is not in `here` is gone from the host.
    """

    at: datetime
    here: list[tuple[str, str]]
    changed: list[ReplicationReport]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationEnded:
    """The host has cleaned up: checkpoints, spool and settings are gone."""

    vm: str
    site: str
    keep_replica: bool
    # Whether the site did as it was told. If not, the server tells it later.
    is_gone_at_site: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaPointTold:
    """One instant a replica can be started at."""

    generation: str
    taken_at: datetime
    # application, filesystem, crash
    consistency: str
    # The code of what kept it from being more than that.
    why: str = ""
    # A test failover has shown that it starts.
    tested_at: datetime | None = None
    # Something wrote to it since: nobody can choose it.
    is_spoiled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaTold:
    """One replica at a site."""

    vm: str
    name: str
    # The id of the machine that may write it.
    source: str
    points: int
    bytes: int
    newest_at: datetime | None = None
    # Codes of what is wrong with it: "replica-was-written" …
    remarks: list[str] = field(default_factory=list)
    # The newest of its points, the oldest of them first; agents of the version before tell none.
    latest: list[ReplicaPointTold] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteTold:
    """Every replica that lies at a site: those not named are gone."""

    site: str
    replicas: list[ReplicaTold]
    bytes_free: int | None = None
    bytes_total: int | None = None
    # The code of what keeps the site from working; empty: it works.
    trouble: str = ""
