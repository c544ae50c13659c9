"""What a machine will be when it is started from a point here; nothing is changed by looking."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from holdfast.base.texts import _
from holdfast.hypervisor.domain_xml import read_domain
from holdfast.hypervisor.machine_spec import DomainSpec
from holdfast.machines.storing import DOMAIN_FILE
from holdfast.machines.vm_state import NVRAM, TPM
from holdfast.recovery.host_networks import networks_here
from holdfast.recovery.networks import Because, Line, NetworkWish, choose_lines, named_lines
from holdfast.recovery.promoted_definition import NewHome, NewIds, come_home, connected, moved
from holdfast.recovery.promotion import Place, PromotionPlan, PromotionWish
from holdfast.recovery.promotion_errors import PromotionPointIncomplete
from holdfast.recovery.promotion_images import folder_of, overlay_of
from holdfast.recovery.record import Promoted, PromotedDisk
from holdfast.replication.replica_errors import (
    ReplicaMissing,
    ReplicaPointMissing,
    ReplicaPointSpoiled,
)
from holdfast.replication.replica_facts import ReplicaFacts, ReplicaPoint
from holdfast.replication.replica_folder import open_folder
from holdfast.replication.replica_record import LayerName

_NVRAM_FILE = "nvram.fd"
_CONSOLE = "console.log"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """A point of a replica, with what lies beside its disks."""

    facts: ReplicaFacts
    point: ReplicaPoint
    folder: Path
    layers: Path

    def file(self, name: str) -> bytes | None:
        if name not in self.point.files:
            return None
        try:
            return (self.folder / name).read_bytes()
        except OSError as err:
            raise self.incomplete(err.strerror or str(err)) from err

    def incomplete(self, reason: str) -> PromotionPointIncomplete:
        return PromotionPointIncomplete(
            about=self.facts.name, generation=self.point.generation, reason=reason
        )


def plan_promotion(place: Place, vm: str, wish: PromotionWish) -> PromotionPlan:
    """`vm` is the UUID the replica goes by. The same wish gives the same plan, at any time."""
    source = _source(place, vm, wish.generation)
    folder = folder_of(place.site.folder, vm, wish.act)
    home, xml = _described(source, wish, folder)
    here = networks_here(place.host)
    home = replace(home, here=here)
    new = come_home(xml, wish.original, home) if wish.original else moved(xml, home)
    lines = choose_lines(
        new.spec.nics,
        NetworkWish(wanted=wish.networks, kept=wish.kept_networks, is_isolated=wish.is_isolated),
        here,
    )
    line_up = connected(new.xml, lines, home)
    spec = read_domain(line_up.xml)
    nvram, tpm = _state(source, spec)
    return PromotionPlan(
        vm=vm,
        promoted=_promoted(source, spec, wish, folder=folder, lines=lines),
        description=line_up.xml,
        lines=lines,
        sizes={disk.target: disk.size for disk in source.point.disks},
        until=wish.until,
        nvram=nvram,
        nvram_path=spec.firmware.nvram or "",
        tpm=tpm,
        replaces=wish.replaces,
        warnings=(
            *new.warnings,
            *_lost_state(source, spec),
            *_moved_lines(lines),
            *line_up.warnings,
        ),
    )


def _source(place: Place, vm: str, generation: str) -> _Source:
    facts = place.site.state(vm)
    if facts is None:
        raise ReplicaMissing(vm=vm)
    point = facts.point(generation)
    if point is None:
        raise ReplicaPointMissing(about=facts.name, generation=generation)
    if point.is_spoiled:
        raise ReplicaPointSpoiled(about=facts.name, generation=generation)
    return _Source(
        facts=facts,
        point=point,
        folder=place.site.point_files(vm, generation),
        layers=open_folder(place.site.folder, vm).layers,
    )


def _described(source: _Source, wish: PromotionWish, folder: Path) -> tuple[NewHome, str]:
    content = source.file(DOMAIN_FILE)
    if content is None:
        raise source.incomplete(_("it has no description of the machine"))
    try:
        xml = content.decode()
    except UnicodeDecodeError as err:
        raise source.incomplete(str(err)) from err
    spec = read_domain(xml)
    has_own_nvram = spec.firmware.is_uefi and not wish.original
    return (
        NewHome(
            ids=NewIds(act=wish.act, generation=wish.generation),
            name=wish.name or (read_domain(wish.original).name if wish.original else spec.name),
            overlays={disk.target: overlay_of(folder, disk.target) for disk in source.point.disks},
            nvram=str(folder / _NVRAM_FILE) if has_own_nvram else "",
            is_copy=wish.is_copy,
            console=str(folder / _CONSOLE) if wish.is_copy else "",
        ),
        xml,
    )


def _promoted(
    source: _Source, spec: DomainSpec, wish: PromotionWish, *, folder: Path, lines: Sequence[Line]
) -> Promoted:
    disks = tuple(
        PromotedDisk(
            target=disk.target,
            path=overlay_of(folder, disk.target),
            below=str(source.layers / LayerName(disk.target, disk.layer).file),
        )
        for disk in source.point.disks
    )
    ids = NewIds(act=wish.act, generation=wish.generation)
    return Promoted(
        generation=wish.generation,
        taken_at=source.point.taken_at,
        name=spec.name,
        uuid=spec.uuid,
        folder=str(folder),
        disks=disks,
        checkpoint="" if wish.without_record else ids.checkpoint,
        head=source.facts.head,
        pin=f"failover {wish.act}",
        networks=named_lines(lines),
    )


def _state(source: _Source, spec: DomainSpec) -> tuple[bytes | None, bytes | None]:
    """UEFI variables and what the TPM keeps, where the machine has such."""
    nvram = source.file(NVRAM) if spec.firmware.nvram else None
    has_tpm = spec.tpm is not None and spec.tpm.backend == "emulator"
    return nvram, source.file(TPM) if has_tpm else None


def _lost_state(source: _Source, spec: DomainSpec) -> Sequence[str]:
    found = []
    if spec.firmware.nvram and NVRAM not in source.point.files:
        found.append(_("the point has no UEFI variables: they will start as the firmware's own"))
    if spec.tpm is not None and TPM not in source.point.files:
        found.append(_("the point has no state of the TPM: it will start empty"))
    return found


def _moved_lines(lines: Sequence[Line]) -> Sequence[str]:
    text = _("network card {mac}: this host has no {old}; it is connected to {new}")
    return [
        text.format(mac=line.mac, old=line.old, new=line.place.name)
        for line in lines
        if line.because is Because.FIRST and line.place is not None
    ]
