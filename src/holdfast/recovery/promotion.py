"""Where a machine is started from a point, how it is wished for, and what it will be."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from holdfast.base.clock import Clock
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domain_identity import NetworkPlace
from holdfast.machines.restoring import TPM_FOLDER
from holdfast.recovery.networks import Line
from holdfast.recovery.record import Promoted
from holdfast.replication.site import Site


def _nobody_listens(_step: str) -> None:
    """Steps are not shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The host a machine is started on, with the site that has its replica."""

    host: Host
    site: Site
    clock: Clock
    tpm_folder: Path = TPM_FOLDER
    # A word after each step: attached, furnished, described, started, recorded, resumed;
    # undefined and removed when it is ended.
    on_step: Callable[[str], None] = _nobody_listens


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionWish:
    """`act` names the folder and, with the point, all ids: the same wish gives the same machine."""

    act: str
    generation: str
    # Another name for it; empty: its own.
    name: str = ""
    # Beside the original: with a UUID and a generation id of its own.
    is_copy: bool = False
    # By address of a card or by its old network; None: the card stays unplugged.
    networks: Mapping[str, NetworkPlace | None] = field(default_factory=dict)
    # As they are kept for this host, by old network.
    kept_networks: Mapping[str, NetworkPlace | None] = field(default_factory=dict)
    # Cards nobody said anything about stay unplugged.
    is_isolated: bool = False
    # At home: the definition it had here; its networks and devices are taken from there.
    original: str = ""
    # The point is let go by itself then, if nobody came to end it.
    until: datetime | None = None
    # The name of a machine of this host that has to make room.
    replaces: str = ""
    # No record of its changes is begun.
    without_record: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionPlan:
    """`promoted` is what it will be, without the time it was started."""

    vm: str
    promoted: Promoted
    description: str
    lines: tuple[Line, ...]
    sizes: Mapping[str, int]
    until: datetime | None = None
    nvram: bytes | None = None
    nvram_path: str = ""
    tpm: bytes | None = None
    replaces: str = ""
    # What of it will not be as it was, for people.
    warnings: tuple[str, ...] = ()
