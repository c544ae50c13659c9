"""What the restore of a virtual machine would do on this host, and what is in its way; nothing is done."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from holdfast.app.vm_protected import protected_vms
from holdfast.app.vm_restore import folder_in, host_here, same_machine
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.base.units import format_size
from holdfast.fleet.questions import (
    Obstacle,
    PlannedCard,
    PlannedDisk,
    VmPlan,
    VmPlanWanted,
)
from holdfast.hypervisor.domain_identity import NetworkPlace
from holdfast.hypervisor.domain_xml import read_domain
from holdfast.hypervisor.machine_spec import DomainSpec, NicSpec
from holdfast.hypervisor.networks import HostNetworks, networks_of
from holdfast.machines.blocks import BLOCK, zero_blocks
from holdfast.machines.disk_files import chosen_targets
from holdfast.machines.errors import ImageExists
from holdfast.machines.new_identity import Wish, parse_network
from holdfast.machines.point_reader import PointReader
from holdfast.machines.replacing import require_off
from holdfast.machines.restore_errors import NetworkNotHere, NetworkNotStarted, PoolTooSmall
from holdfast.machines.restoring import description_in, require_free
from holdfast.vault.repository import Repository
from holdfast.vault.snapshot import Snapshot

_T = TypeVar("_T")
_NEW, _IN_PLACE, _DISKS = "new", "in-place", "disks"
# Points whose disks were counted; a person looks at one and changes their mind about the rest.
_KEPT = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What a point says, which never changes."""

    spec: DomainSpec
    disks: tuple[PlannedDisk, ...]


@dataclass(slots=True)
class RestorePlanner:
    """Asked again with each change of the wish; counting the blocks of a large disk takes a while."""

    session: Session
    _known: dict[str, _Known] = field(default_factory=dict)

    def plan(self, repository: Repository, snapshot: Snapshot, wanted: VmPlanWanted) -> VmPlan:
        point = PointReader(repository, snapshot)
        known = self._known.get(snapshot.id)
        if known is None:
            while len(self._known) >= _KEPT:
                del self._known[next(iter(self._known))]
            known = self._known[snapshot.id] = _Known(
                spec=read_domain(description_in(point)), disks=tuple(_counted(point))
            )
        return _Planning(self._at(point.facts.uuid), point, known, wanted).plan()

    def _at(self, vm: str) -> Session:
        """The hypervisor on which the machine is protected, as its restore is told it."""
        session = self.session
        protected = protected_vms(session.settings.home, warn=session.warn)
        host = next((one.host for one in protected if one.uuid == vm), "")
        if not host:
            return session
        return replace(session, settings=replace(session.settings, libvirt=host))


def _counted(point: PointReader) -> Iterator[PlannedDisk]:
    for target in point.disks:
        blocks = point.disk(target).blocks
        data = min(blocks.size, int((~zero_blocks(blocks)).sum()) * BLOCK)
        yield PlannedDisk(target=target, size=blocks.size, data=data)


class _Planning:
    """Every part is tried: a person wants to know at once all that is in the way."""

    def __init__(
        self, session: Session, point: PointReader, known: _Known, wanted: VmPlanWanted
    ) -> None:
        self._session, self._point, self._known, self._wanted = session, point, known, wanted
        self._vm = point.facts.name
        self._name = self._vm if wanted.mode == _IN_PLACE else wanted.name or self._vm
        self._obstacles: list[HoldfastError] = []
        self._places: Mapping[str, NetworkPlace | None] = {}

    def plan(self) -> VmPlan:
        wanted, nics = self._wanted, self._known.spec.nics
        self._tried(lambda: chosen_targets(self._point, wanted.disks))
        self._places = dict(map(parse_network, wanted.networks))
        disks = [
            replace(one, is_chosen=not wanted.disks or one.target in wanted.disks)
            for one in self._known.disks
        ]
        needed = sum(one.data for one in disks if one.is_chosen)
        folder, free = self._folder(needed)
        there = self._tried(self._host) if wanted.mode != _DISKS else None
        cautions = without_a_network(nics, self._places, there, about=self._name) if there else []
        return VmPlan(
            point=self._point.snapshot.id,
            vm=self._vm,
            name=self._name,
            folder=folder,
            disks=disks,
            cards=[_card(nic, self._places) for nic in nics],
            networks=[*there.networks] if there else [],
            bridges=[*there.bridges] if there else [],
            needed=needed,
            free=free,
            obstacles=[*map(_obstacle, self._obstacles)],
            cautions=[*map(_obstacle, cautions)] if wanted.mode == _NEW else [],
        )

    def _host(self) -> HostNetworks:
        with host_here(self._session) as host:
            there = networks_of(host)
            if self._wanted.mode == _IN_PLACE:
                self._tried(lambda: require_off(same_machine(host, self._point.facts)))
            else:
                wish = Wish(
                    name=self._name,
                    folder=Path(),
                    keeps_identity=self._wanted.keep_identity,
                    networks=self._places,
                )
                self._tried(lambda: require_free(host, wish, self._known.spec))
            return there

    def _folder(self, needed: int) -> tuple[str, int | None]:
        """Where the disks come to lie, and what is free there; in place they lie already."""
        if self._wanted.mode == _IN_PLACE:
            return "", None
        folder = self._tried(lambda: folder_in(self._wanted.pool, self._name))
        if folder is None:
            return "", None
        if os.path.lexists(folder):
            self._obstacles.append(ImageExists(path=str(folder)))
        free = _free_at(folder)
        if free is not None and free < needed:
            room = {"free": format_size(free), "needed": format_size(needed)}
            self._obstacles.append(
                PoolTooSmall(folder=str(folder.parent), about=self._name, **room)
            )
        return str(folder), free

    def _tried(self, act: Callable[[], _T]) -> _T | None:
        try:
            return act()
        except HoldfastError as err:
            self._obstacles.append(err)
            return None


def without_a_network(
    nics: Sequence[NicSpec],
    places: Mapping[str, NetworkPlace | None],
    there: HostNetworks,
    *,
    about: str,
) -> list[HoldfastError]:
    """What its cards are to be connected to and the host does not have, each once."""
    wanted: dict[tuple[str, bool], None] = {}
    for nic in nics:
        place = _place(nic, places)
        if place is not None:
            wanted[place.name, place.is_bridge] = None
    found: list[HoldfastError] = []
    for name, is_bridge in wanted:
        if name not in (there.bridges if is_bridge else there.networks):
            found.append(NetworkNotHere(network=name, about=about))
        elif not is_bridge and not there.networks[name]:
            found.append(NetworkNotStarted(network=name, about=about))
    return found


def _place(nic: NicSpec, places: Mapping[str, NetworkPlace | None]) -> NetworkPlace | None:
    if nic.source is None or nic.kind not in ("network", "bridge"):
        return None
    old = NetworkPlace(name=nic.source, is_bridge=nic.kind == "bridge")
    return places.get(nic.source, old)


def _card(nic: NicSpec, places: Mapping[str, NetworkPlace | None]) -> PlannedCard:
    place = _place(nic, places)
    goes_to = "" if place is None else f"bridge:{place.name}" if place.is_bridge else place.name
    return PlannedCard(mac=nic.mac or "", kind=nic.kind, network=nic.source or "", goes_to=goes_to)


def _free_at(folder: Path) -> int | None:
    """Of the file system it would be made in; its folders need not be there yet."""
    there = next((one for one in folder.parents if one.is_dir()), None)
    try:
        found = os.statvfs(there) if there else None
    except OSError:
        return None
    return found.f_bavail * found.f_frsize if found else None


def _obstacle(error: HoldfastError) -> Obstacle:
    return Obstacle(
        code=error.code,
        message=str(error),
        remedy=error.advice,
        fields={name: str(value) for name, value in error.fields.items()},
    )
