"""What its old home would lack for a machine that comes back, told to the host where it runs now."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domain_xml import read_domain
from holdfast.hypervisor.machine_spec import DomainSpec
from holdfast.machines.backup_errors import VmImageNotHere
from holdfast.machines.offline import image_of
from holdfast.machines.vm_disks import required_disks
from holdfast.recovery.host_networks import networks_here
from holdfast.recovery.networks import NetworkWish, choose_lines, kept_places, load_networks
from holdfast.recovery.newcomer import Newcomer
from holdfast.recovery.newcomer_preflight import part_problems, place_problems
from holdfast.recovery.promotion_errors import PromotionFolderClosed, PromotionUuidTaken
from holdfast.recovery.store_preflight import store_problems


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeSeen:
    """`home` is Holdfast's folder there, `store` that of its replicas."""

    host: Host
    home: str
    store: Path
    # As the machine is defined there, without its bar: now, and as it would be started.
    now: str
    original: str


def home_problems(seen: HomeSeen) -> Iterator[HoldfastError]:
    """The images and the room for what comes first: nothing can be taken in without them."""
    spec = read_domain(seen.now)
    store = _made(seen.store)
    yield from store_problems(store, about=spec.name)
    yield from _image_problems(spec, store)
    new = _coming_home(seen)
    for problem in (*place_problems(seen.host, new), *part_problems(seen.host, new)):
        # Who has its UUID there is the machine itself.
        if not isinstance(problem, PromotionUuidTaken):
            yield problem


def _image_problems(spec: DomainSpec, store: Path) -> Iterator[HoldfastError]:
    looked_at = {_device(store)}
    disks, _left_out = required_disks(spec)
    for disk in disks:
        try:
            folder = image_of(spec, disk).parent
        except VmImageNotHere as err:
            reason = _("it is not there; is what it lies on mounted?")
            yield PromotionFolderClosed(about=spec.name, path=err.fields["source"], reason=reason)
            continue
        if disk.kind == "file" and _device(folder) not in looked_at:
            looked_at.add(_device(folder))
            yield from store_problems(folder, about=spec.name)


def _made(store: Path) -> Path:
    """It is made with the first replica; until then, where that will be."""
    return next(each for each in (store, *store.parents) if each.exists())


def _device(folder: Path) -> int:
    """What it lies on; a folder that is not there is found to be so in another way."""
    try:
        return os.stat(folder).st_dev
    except OSError:
        return 0


def _coming_home(seen: HomeSeen) -> Newcomer:
    spec = read_domain(seen.original)
    wish = NetworkWish(kept=kept_places(load_networks(seen.home).networks))
    return Newcomer(
        name=spec.name,
        uuid=spec.uuid,
        description=seen.original,
        lines=choose_lines(spec.nics, wish, networks_here(seen.host)),
        disks=frozenset(disk.source for disk in spec.hard_disks if disk.source),
    )
