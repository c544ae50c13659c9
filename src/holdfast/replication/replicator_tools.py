"""What the loops of a host are given by whoever starts them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from holdfast.base.clock import Clock
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import Domain
from holdfast.machines.downgrades import downgrade
from holdfast.machines.stillness import AsItIs, Stillness
from holdfast.replication.link_tunnels import Tunnels
from holdfast.replication.receiver import Receiver
from holdfast.replication.settings import ReplicationSettings, SiteAddress
from holdfast.replication.shipping import Sender
from holdfast.replication.source_job import SLICE_BYTES
from holdfast.replication.source_orders import OnOrder, nobody_obeys

_UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A site: what it can be asked, and how logs go there. A Peer is both."""

    receiver: Receiver
    sender: Sender
    # How many seconds later it is there; None: nobody knows.
    ahead: Callable[[], float | None] = lambda: None
    # To what a machine needs there that moves while it runs, by machine and act.
    tunnels: Callable[[str, str], Tunnels] | None = None


def _never_frozen(_domain: Domain, _settings: ReplicationSettings) -> Stillness:
    return AsItIs(downgrade("freeze-never"))


def _no_limit(_site: SiteAddress) -> int | None:
    return None


def _no_other_hosts() -> Sequence[str]:
    return ()


def _nobody_listens(_uuid: str, _step: str) -> None:
    """Steps are not shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    home: str
    clock: Clock
    # The id of this machine, as its certificate has it.
    machine: str
    # This host's hypervisor; others by the URI of a replication's settings.
    hypervisor: str
    connect: Callable[[str], Host]
    door: Callable[[SiteAddress], Door]
    # Where scratch files of pull jobs lie.
    scratch: str
    # Made for points that are to be consistent; it says itself what came of it.
    stillness: Callable[[Domain, ReplicationSettings], Stillness] = _never_frozen
    # Other hosts a machine may have moved to.
    other_hosts: Callable[[], Sequence[str]] = _no_other_hosts
    # Whoever waits for a site in that moment is let go; what was sent so far is gone on with.
    hang_up: Callable[[], None] = field(default=lambda: None)
    # Bytes a second that may go to a site now.
    limit: Callable[[SiteAddress], int | None] = _no_limit
    zone: ZoneInfo = _UTC
    # Who does for each machine what its site wants.
    on_order: OnOrder = nobody_obeys
    # How many machines are read at once.
    at_once: int = 4
    slice_bytes: int = SLICE_BYTES
    reserve: int | None = None
    on_step: Callable[[str, str], None] = _nobody_listens
    warn: Callable[[str], None] = field(default=lambda _said: None)
