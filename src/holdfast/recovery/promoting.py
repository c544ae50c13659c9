"""A machine started from a point of its replica, upon images of its own.

Everything of it lies in a folder of its own, `running/ACT` beside the layers. It starts paused, so
that the record of its changes begins before its first instruction. Each step looks at the world
first, so the same call goes on wherever an earlier one was killed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from holdfast.base.clock import Clock
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domain_identity import NetworkPlace
from holdfast.hypervisor.domains import Domain
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
    # A word after each step: "attached", "furnished", "described", "started", "recorded", "resumed".
    on_step: Callable[[str], None] = _nobody_listens


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionWish:
    """`act` names the folder and, with the point, all ids: the same wish gives the same machine."""

    act: str
    generation: str
    # Another name for it; empty: its own.
    name: str = ""
    # Beside the original: its own UUID and generation id, and no network by default.
    is_copy: bool = False
    # By address of a card or by its old network; None: the card stays unplugged.
    networks: Mapping[str, NetworkPlace | None] = field(default_factory=dict)
    # As they are kept for this host, by old network.
    kept_networks: Mapping[str, NetworkPlace | None] = field(default_factory=dict)
    is_isolated: bool = False
    # At home: the definition it had here; its networks and devices are taken from there.
    original: str = ""
    # The point is let go by itself then, if nobody came to end it.
    until: datetime | None = None
    # The name of a machine of this host that has to make room.
    replaces: str = ""
    without_record: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionPlan:
    """`promoted` is what it will be; `before` is what this host had under its UUID, barred."""

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


def plan_promotion(place: Place, vm: str, wish: PromotionWish) -> PromotionPlan:
    """What will be done; nothing is changed. `vm` is the UUID the replica goes by."""
    raise NotImplementedError


def promote(place: Place, plan: PromotionPlan) -> Promoted:
    """It runs when this returns; every step that was done before is left as it is."""
    raise NotImplementedError


def domain_of(place: Place, promoted: Promoted) -> Domain | None:
    """The machine, if this host has it and its disks are those of the promotion."""
    raise NotImplementedError


def end(place: Place, vm: str, promoted: Promoted) -> None:
    """Pull its plug and remove all of it, pin included; what was there before is defined again."""
    raise NotImplementedError


def shut_down(domain: Domain, clock: Clock, *, patience: float, is_forced: bool = False) -> str:
    """Through its agent, then by its power button; how: off, agent, power-button or forced.

    Raises ShutDownTooSlow when it still runs after `patience` seconds and must not be forced.
    """
    raise NotImplementedError
