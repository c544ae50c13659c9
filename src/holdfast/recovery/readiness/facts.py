"""What is known of a guest that is to come up elsewhere; None is what nobody could look at."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from holdfast.recovery.address_rules import GuestCard


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A line of its fstab, or of its crypttab, where `kind` is crypt."""

    what: str
    where: str
    kind: str
    options: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """The drivers it has, of those that are asked for: compiled in, in files, in its initramfs."""

    release: str
    builtin: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()
    # None: what is in it could not be listed.
    initramfs: frozenset[str] | None = None
    has_initramfs: bool = False


class Method(StrEnum):
    DHCP = "dhcp"
    STATIC = "static"
    # Neither: another program gives it its address, or it has none.
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How a card is set up at a start, by a file; `device` may be a pattern, and empty is any."""

    file: str
    device: str = ""
    mac: str = ""
    method: Method = Method.OTHER
    at_boot: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    cards: Sequence[GuestCard] = ()
    # Those of the machine, and not made by the guest.
    physical: frozenset[str] = frozenset()
    profiles: Sequence[Profile] = ()
    # A program is at work that connects whatever card it finds, by DHCP.
    is_eager: bool = False
    # Cards have their names by their addresses; by name.
    named_by_mac: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """By unit, what systemd says of the next start; of others, which start links there are."""

    units: dict[str, str] = field(default_factory=dict)
    links: frozenset[str] = frozenset()
    runs: frozenset[str] = frozenset()
    has: frozenset[str] = frozenset()


class Firewall(StrEnum):
    OPEN = "open"
    CLOSED = "closed"
    # It has rules of its own, which were not looked at.
    OWN = "own"


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestFacts:
    cmdline: str | None = None
    loader: Sequence[str] = ()
    mounts: Sequence[Mount] | None = None
    running: str = ""
    loaded: frozenset[str] | None = None
    kernels: Sequence[Kernel] = ()
    network: Network | None = None
    started: Started | None = None
    firewall: Firewall | None = None
