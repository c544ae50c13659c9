"""What the description of a machine becomes when it is started from a point elsewhere. Pure.

At another host it loses what it had of its old one: devices, folders, programs. At home it gets
back the definition it had there, with what was changed of the machine since.
"""

import copy
import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from holdfast.base.texts import _
from holdfast.hypervisor.domain_identity import (
    DiskPlace,
    Identity,
    NetworkPlace,
    with_identity,
)
from holdfast.hypervisor.domain_xml import read_domain
from holdfast.hypervisor.host_parts import host_parts
from holdfast.hypervisor.machine_spec import DomainSpec
from holdfast.hypervisor.xml_reading import Element, child, drop, read_xml, sub, write_xml
from holdfast.recovery.card_ports import Offer, keep_what_fits
from holdfast.recovery.networks import Because, Line, NetworksHere

# Who made the card; the rest of an address is its number.
_VENDOR = 8
# What a machine may have been given meanwhile, and takes home.
_CARRIED = ("title", "description", "memory", "currentMemory", "maxMemory", "vcpu")
# A line to nowhere can have none of these.
_OF_LINE = (
    *("virtualport", "port", "vlan"),
    *("filterref", "bandwidth", "mtu", "driver", "coalesce"),
)
_KEPT_AS_IS = (Because.SAME_NAME, Because.ANYWHERE, Because.NOWHERE)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewIds:
    """The same act and point give the same ids: who goes on after a kill makes no second machine."""

    act: str
    generation: str

    @property
    def uuid(self) -> str:
        return str(uuid.UUID(bytes=self._bytes("uuid"), version=4))

    @property
    def generation_id(self) -> str:
        return str(uuid.UUID(bytes=self._bytes("generation id"), version=4))

    @property
    def checkpoint(self) -> str:
        return f"holdfast-{self._bytes('checkpoint').hex()[:16]}"

    def mac(self, old: str) -> str:
        return old[:_VENDOR] + "".join(f":{each:02x}" for each in self._bytes(old)[:3])

    def _bytes(self, what: str) -> bytes:
        return hashlib.sha256(f"{self.act}\0{self.generation}\0{what}".encode()).digest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewHome:
    """Where it will be: `overlays` by disk, and who it is there."""

    ids: NewIds
    name: str
    overlays: Mapping[str, str]
    # A file, where it begins with variables of its own.
    nvram: str = ""
    is_copy: bool = False
    # What there is to be connected to.
    here: NetworksHere = field(default_factory=NetworksHere)
    console: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """The machine without what belongs to its old host, with its lines still as they were."""

    xml: str
    warnings: tuple[str, ...] = ()
    spec: DomainSpec = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "spec", read_domain(self.xml))


def moved(xml: str, home: NewHome) -> Moved:
    """At a host that is not the one the description was written for."""
    spec = read_domain(xml)
    disks: dict[str, DiskPlace | None] = {disk.target: None for disk in spec.hard_disks}
    disks |= _places(home)
    identity = Identity(
        name=home.name if home.name != spec.name or home.is_copy else None,
        uuid=home.ids.uuid if home.is_copy else None,
        generation_id=_generation_id(spec, home),
        nvram=home.nvram or None,
        disks=disks,
        without_host_devices=True,
        without_host_parts=True,
        console_log=home.console or None,
    )
    return Moved(xml=with_identity(xml, identity), warnings=tuple(_losses(xml, spec, home)))


def come_home(xml: str, original: str, home: NewHome) -> Moved:
    """With the definition it had there; `xml` is the newest, with what was changed elsewhere."""
    changed = _updated(original, xml, home.overlays)
    identity = Identity(
        name=home.name if home.name != read_domain(original).name else None,
        generation_id=_generation_id(read_domain(original), home),
        disks=_places(home),
    )
    return Moved(xml=with_identity(changed, identity))


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """The machine with its lines as they are here, and what they do not have any more."""

    xml: str
    warnings: tuple[str, ...]


def connected(xml: str, lines: Sequence[Line], home: NewHome) -> Connected:
    """`lines` are those of its cards, in their order."""
    domain = read_xml(xml, root="domain", about=home.name)
    cards = child(domain, "devices").findall("interface")
    warnings: list[str] = []
    for card, line in zip(cards, lines, strict=True):
        lost = _connect(card, line, home.here)
        warnings += [_lost_text(line, lost)] if lost else []
        if home.is_copy and _is_reachable(line, home):
            mac = child(card, "mac")
            mac.set("address", home.ids.mac(mac.get("address", "")))
    return Connected(xml=write_xml(domain), warnings=tuple(warnings))


def _places(home: NewHome) -> dict[str, DiskPlace | None]:
    return {target: DiskPlace(path=path, format="qcow2") for target, path in home.overlays.items()}


def _generation_id(spec: DomainSpec, home: NewHome) -> str | None:
    """It goes back in time, or is there twice: a guest that looks at the id has to learn that."""
    return home.ids.generation_id if spec.generation_id or home.is_copy else None


def _losses(xml: str, spec: DomainSpec, home: NewHome) -> Sequence[str]:
    found = []
    if parts := host_parts(xml, about=spec.name):
        text = _("what it had of its old host was taken out of the machine: {parts}")
        found.append(text.format(parts=", ".join(parts)))
    if spec.host_devices:
        text = _("devices of the old host were taken out of the machine: {devices}")
        found.append(text.format(devices=", ".join(spec.host_devices)))
    gone = [disk.target for disk in spec.hard_disks if disk.target not in home.overlays]
    if gone:
        text = _("disks that are not replicated were taken out of the machine: {disks}")
        found.append(text.format(disks=", ".join(gone)))
    return found


def _updated(original: str, newest: str, overlays: Mapping[str, str]) -> str:
    """The original with the memory and processors it has now, and with disks it was given since."""
    domain = read_xml(original, root="domain", about="VM")
    now = read_xml(newest, root="domain", about="VM")
    for tag in _CARRIED:
        found = now.find(tag)
        if found is not None:
            drop(domain, tag)
            domain.append(copy.deepcopy(found))
    devices = child(domain, "devices")
    known = {_target(disk) for disk in devices.findall("disk")}
    for disk in now.iterfind("devices/disk"):
        if _target(disk) in overlays and _target(disk) not in known:
            # libvirt finds it a place among those there are here.
            added = copy.deepcopy(disk)
            drop(added, "address")
            devices.append(added)
    return write_xml(domain)


def _target(disk: Element) -> str:
    target = disk.find("target")
    return "" if target is None else target.get("dev", "")


def _connect(card: Element, line: Line, here: NetworksHere) -> tuple[str, ...]:
    """What it loses by it, in words; of a line to nowhere nothing is missed."""
    is_same = line.because in _KEPT_AS_IS and (
        # One to a bridge may be one to a network of that name here.
        line.place is None or card.get("type") == _kind(line)
    )
    if line.place is None:
        if not is_same:
            _unplug(card)
        return ()
    offer = here.offers.get(line.place)
    if not is_same:
        _plug_in(card, line.place)
        return keep_what_fits(card, offer or Offer())
    # Of a network of the same name that nothing is known of the best is believed.
    return () if offer is None else keep_what_fits(card, offer)


def _plug_in(card: Element, place: NetworkPlace) -> None:
    """Groups of ports go by the names they have; the host finds another name for its end."""
    kind = "bridge" if place.is_bridge else "network"
    source = card.find("source")
    group = "" if source is None else source.get("portgroup", "")
    for stale in ("source", "target"):
        drop(card, stale)
    card.set("type", kind)
    groups = {"portgroup": group} if group else {}
    card.insert(0, Element("source", {kind: place.name, **groups}))


def _lost_text(line: Line, lost: Sequence[str]) -> str:
    text = _(
        "network card {mac}: {new} cannot keep what it had at {old}: {lost}. If it needs that, make "
        "a network here that has it, and say so: --network {old}=NETWORK"
    )
    new = line.place.name if line.place else "-"
    return text.format(mac=line.mac, new=new, old=line.old or line.mac, lost=", ".join(lost))


def _unplug(card: Element) -> None:
    """The card stays, so that nothing changes for the guest but that nobody is there."""
    for stale in ("source", "target", *_OF_LINE):
        drop(card, stale)
    drop(card, "link")
    card.set("type", "user")
    sub(card, "link", {"state": "down"})


def _kind(line: Line) -> str:
    return "bridge" if line.place is not None and line.place.is_bridge else "network"


def _is_reachable(line: Line, home: NewHome) -> bool:
    """Whether the machine it is a copy of could be disturbed."""
    if line.place is None:
        return line.because in (Because.ANYWHERE, Because.NOWHERE)
    return line.place.is_bridge or line.place.name not in home.here.without_way_out
