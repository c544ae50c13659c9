"""A machine's disks with the overlays on them: what they consist of, and what they would be without."""

import contextlib
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from holdfast.base.units import format_size
from holdfast.disks.image_facts import Link
from holdfast.disks.images import inspect, links
from holdfast.hypervisor.disk_layers import without_layers
from holdfast.hypervisor.domain_identity import DiskPlace, Identity, with_identity
from holdfast.hypervisor.domains import Domain, define_domain
from holdfast.hypervisor.machine_spec import DiskSpec, DomainSpec
from holdfast.machines.layers import below_ours, generation_of, has_layers, layer_path
from holdfast.machines.overlay_errors import VmOverlayFull, VmOverlayImpossible
from holdfast.machines.overlay_fitness import why_not
from holdfast.machines.scratch_guard import reserve_of


@dataclass(frozen=True, slots=True, kw_only=True)
class LayeredDisk:
    """A disk as the machine uses it, and its images from the top."""

    spec: DiskSpec
    chain: tuple[Link, ...]

    @property
    def target(self) -> str:
        return self.spec.target

    @property
    def below(self) -> Link:
        """The image the machine would write to without us."""
        return below_ours(self.chain)

    @property
    def plain(self) -> DiskSpec:
        """The disk as it would be without us, which is how points tell of it."""
        return replace(self.spec, source=self.below.path, format=self.below.format)

    @property
    def layers(self) -> tuple[str, ...]:
        return tuple(link.path for link in self.chain if generation_of(link.path))


def layered_disk(disk: DiskSpec, *, is_live: bool) -> LayeredDisk:
    assert disk.source is not None
    found = links(Path(disk.source), format_=disk.format or "raw", is_live=is_live)
    return LayeredDisk(spec=disk, chain=found)


def layered_disks(spec: DomainSpec, *, is_live: bool) -> tuple[LayeredDisk, ...]:
    """Those with overlays of ours, which may lie below those of others."""
    found = (
        layered_disk(disk, is_live=is_live) for disk in spec.data_disks if _may_have(disk, is_live)
    )
    return tuple(disk for disk in found if has_layers(disk.chain))


def _may_have(disk: DiskSpec, is_live: bool) -> bool:  # noqa: FBT001  a filter's own
    """Without looking into images: of a machine that runs, libvirt knows how many there are."""
    if disk.kind != "file" or disk.source is None or not Path(disk.source).exists():
        return False
    if generation_of(disk.source):
        return True
    return disk.format == "qcow2" and (not is_live or disk.backing_depth > 0)


def require_layers(domain: Domain, spec: DomainSpec, disks: Iterable[DiskSpec]) -> None:
    """That each of these can have an overlay: all are recorded in the same way, or none is."""
    reasons = {disk.target: reason for disk in disks if (reason := why_not(disk, _snapshots(disk)))}
    if not domain.is_persistent():
        reasons["-"] = "transient-machine"
    if reasons:
        told = ", ".join(f"{disk}: {reason}" for disk, reason in reasons.items())
        raise VmOverlayImpossible(about=spec.name, reasons=told)


def _snapshots(disk: DiskSpec) -> int:
    if disk.kind != "file" or disk.source is None or disk.format != "qcow2":
        return 0
    image = inspect(Path(disk.source), format_=disk.format, is_live=True, looks_below=False)
    return len(image.snapshots)


def require_room(domain: Domain, disks: Iterable[LayeredDisk], reserve: int | None) -> None:
    """A file system that becomes full stops the guest."""
    for folder in {os.path.dirname(disk.below.path) for disk in disks}:
        found = os.statvfs(folder)
        free, whole = found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
        if free < (reserve_of(whole) if reserve is None else reserve):
            raise VmOverlayFull(about=domain.name, folder=folder, free=format_size(free))


def free_beside(disk: LayeredDisk) -> int:
    found = os.statvfs(os.path.dirname(disk.below.path))
    return found.f_bavail * found.f_frsize


def remove_layers(domain: Domain, files: Collection[str]) -> None:
    """They are no part of any disk; neither are they in what the next start goes by."""
    xml = without_layers(domain.xml(inactive=True, secure=True), frozenset(files))
    if xml is not None:
        define_domain(domain.host, xml)
    for file in files:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(file)


def new_layers(disks: Iterable[LayeredDisk], generation: str) -> dict[str, str]:
    return {disk.target: layer_path(disk.below.path, generation) for disk in disks}


def as_plain(description: bytes, disks: Iterable[LayeredDisk]) -> bytes:
    """The description of a machine that names no overlay: they are gone when it is used again."""
    places = {disk.target: place_of(disk.below) for disk in disks if has_layers(disk.chain)}
    return with_places(description.decode(), places).encode() if places else description


def with_places(xml: str, places: Mapping[str, DiskPlace]) -> str:
    return with_identity(xml, Identity(disks=dict(places)))


def place_of(link: Link) -> DiskPlace:
    is_device = Path(link.path).is_block_device()
    return DiskPlace(path=link.path, format=link.format, is_block_device=is_device)
