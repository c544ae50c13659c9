"""Facts about a Hyper-V host that replicates to Azure, and about its virtual machines."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from holdfast.doctor.facts import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class VmReplication(Fact):
    """What one listing says of one machine's replication; what it does not say is empty."""

    vm: str
    # replicating, paused, error, resync-required, resyncing, resync-paused, initial, ready,
    # prepared, failed-over, off, or "" when the listing does not say
    state: str = ""
    # normal, warning, critical
    health: str = ""
    primary: str = ""
    replica: str = ""
    frequency: int = 0
    last: datetime | None = None
    # Bytes.
    pending: int | None = None
    average_size: int | None = None
    latency: timedelta | None = None
    # Cycles that succeeded, and all of them.
    good: int | None = None
    cycles: int | None = None
    snapshot_failures: int | None = None

    @property
    def to_azure(self) -> bool:
        return "azur" in self.replica.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class VmIntegration(Fact):
    """How a machine's Integration Services are: current, outdated, missing or "" (not said)."""

    vm: str
    state: str
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrationService(Fact):
    """The Backup (VSS) integration service of a machine, as the host sees it."""

    vm: str
    enabled: bool
    # ok, mismatch, silent, or "" when the words are not known
    status: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VmDisk(Fact):
    """A disk of a machine; `size` is what the guest sees, 0 when the listing does not say."""

    vm: str
    path: str
    size: int = 0
    pass_through: bool = False
    shared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeLog(Fact):
    """An HRL file; `free` is the room its listing ends with."""

    path: str
    size: int
    free: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteRate(Fact):
    """Bytes per second written to one virtual disk, averaged over the samples of a counter log."""

    disk: str
    # What the disks of one machine have in common.
    group: str
    average: float
    samples: int
    lasted: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestIscsi(Fact):
    """iSCSI in a listing, or a listing of buses without it (`present` False).

    `on_host` when the listing was plainly taken on the host, where iSCSI is the storage's affair.
    """

    name: str
    present: bool
    on_host: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentConnection(Fact):
    """A TCP connection of the agent's engine; the state is open, opening or closing."""

    remote: str
    port: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTraffic(Fact):
    """What Resource Monitor shows for the agent's engine, bytes per second sent."""

    sent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttle(Fact):
    """The agent's bandwidth limit, bits per second; 0 means: none is set."""

    work_hours: int
    other_hours: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WmiRepository(Fact):
    """What `winmgmt /verifyrepository` or a WMI query answered."""

    consistent: bool
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentVersion(Fact):
    """The version of the provider or of the Recovery Services agent."""

    # provider, agent
    which: str
    version: str
