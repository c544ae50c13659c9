"""A point of a virtual machine as a new one: its disks first, its definition when they are durable."""

import contextlib
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domain_identity import Identity, with_identity
from holdfast.hypervisor.domain_xml import read_domain
from holdfast.hypervisor.domains import Domain, define_domain, find_by_uuid, find_domain
from holdfast.hypervisor.errors import VmDescriptionBroken, VmExists, VmMissing
from holdfast.hypervisor.host_parts import host_parts
from holdfast.hypervisor.machine_spec import DomainSpec
from holdfast.machines.appearing import appearing_folder
from holdfast.machines.disk_files import DiskFile, FilesWish, write_disk_files
from holdfast.machines.new_identity import (
    NVRAM_FILE,
    Chance,
    Wish,
    disks_taken_out,
    identity_of,
)
from holdfast.machines.point_reader import PointReader
from holdfast.machines.state_files import put_tpm, replace_file
from holdfast.machines.storing import DOMAIN_FILE
from holdfast.machines.vm_state import NVRAM, TPM

TPM_FOLDER = Path("/var/lib/libvirt/swtpm")
CHANCE = Chance(new_uuid=lambda: str(uuid.uuid4()), token=os.urandom)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A machine that came back; `warnings` is what of it is not as it was."""

    name: str
    uuid: str
    disks: tuple[DiskFile, ...]
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class _Making:
    """What has been made so far, to be taken back when the rest fails."""

    folders: list[Path] = field(default_factory=list)
    uuid: str = ""

    def take_back(self, host: Host) -> None:
        if self.uuid:
            # Asked to be defined; whether libvirt got that far is seen there.
            with contextlib.suppress(HoldfastError):
                find_by_uuid(host, self.uuid).undefine()
        for folder in self.folders:
            shutil.rmtree(folder, ignore_errors=True)


def restore_as_new(
    point: PointReader, host: Host, wish: Wish, files: FilesWish, *, chance: Chance = CHANCE
) -> Restored:
    """All of it, or nothing: neither files nor a definition are left after an error."""
    xml = description_in(point)
    spec = read_domain(xml)
    require_free(host, wish, spec)
    _require_definable(host, xml, replace(wish, keeps_identity=False), chance)
    making = _Making()
    try:
        with appearing_folder(wish.folder) as partial:
            disks = write_disk_files(point, partial, files)
            _put_nvram(point, spec, partial)
        making.folders.append(wish.folder)
        identity = identity_of(spec, wish, disks, chance)
        warnings = [*_losses(point, spec, identity), *_of_host(xml, spec, identity)]
        xml = with_identity(xml, identity)
        new = read_domain(xml)
        # Again: the disks took their time, and what was made meanwhile is not ours to take back.
        require_free(host, wish, spec)
        warnings += _put_tpm(point, new, making)
        making.uuid = new.uuid
        define_domain(host, xml)
    except BaseException:
        making.take_back(host)
        raise
    placed = tuple(disk.moved_to(wish.folder) for disk in disks)
    return Restored(name=new.name, uuid=new.uuid, disks=placed, warnings=tuple(warnings))


def description_in(point: PointReader) -> str:
    try:
        return point.read_file(DOMAIN_FILE).decode()
    except UnicodeDecodeError as err:
        raise VmDescriptionBroken(about=point.facts.name, reason=err) from err


def found_or_none(find: Callable[[Host, str], Domain], host: Host, wanted: str) -> Domain | None:
    try:
        return find(host, wanted)
    except VmMissing:
        return None


def require_free(host: Host, wish: Wish, spec: DomainSpec) -> None:
    """Defining a machine that is there would replace it without a word."""
    if found_or_none(find_domain, host, wish.name) is not None:
        raise VmExists(about=wish.name, reason=_("its name is taken"))
    there = found_or_none(find_by_uuid, host, spec.uuid) if wish.keeps_identity else None
    if there is not None:
        raise VmExists(about=there.name, reason=_("it has the UUID that shall be kept"))


def _require_definable(host: Host, xml: str, wish: Wish, chance: Chance) -> None:
    """What its host would refuse it refuses now, not when hours of copying are over."""
    trial = replace(wish, name=f"holdfast-trial-{chance.new_uuid()}")
    identity = identity_of(read_domain(xml), trial, (), chance)
    making = _Making(uuid=identity.uuid or "")
    try:
        define_domain(host, with_identity(xml, identity)).undefine()
    except HoldfastError as err:
        making.take_back(host)
        raise type(err)(**(err.fields | {"about": wish.name})) from err
    except BaseException:
        making.take_back(host)
        raise


def _put_nvram(point: PointReader, spec: DomainSpec, folder: Path) -> None:
    if spec.firmware.nvram and NVRAM in point.files:
        replace_file(folder / NVRAM_FILE, point.read_file(NVRAM))


def _put_tpm(point: PointReader, new: DomainSpec, making: _Making) -> Sequence[str]:
    if new.tpm is None or new.tpm.backend != "emulator":
        return ()
    if TPM not in point.files:
        return (_("the point has no state of the TPM: it will start empty"),)
    folder = TPM_FOLDER / new.uuid
    if not folder.exists():
        making.folders.append(folder)
    put_tpm(point.read_file(TPM), folder, point=point.snapshot.id)
    return ()


def _of_host(xml: str, spec: DomainSpec, identity: Identity) -> Iterator[str]:
    """What the description names of a host, which need not have it, or need not want to give it."""
    if parts := host_parts(xml, about=spec.name):
        text = _("what it had of its host was taken out of the machine: {parts}")
        if not identity.without_host_parts:
            text = _("it uses parts of this host; look at them before it is started: {parts}")
        yield text.format(parts=", ".join(parts))
    if spec.boot_files:
        text = _("it starts with files of this host that are not in the point: {files}")
        yield text.format(files=", ".join(spec.boot_files))


def _losses(point: PointReader, spec: DomainSpec, identity: Identity) -> Sequence[str]:
    found = []
    if gone := disks_taken_out(identity):
        text = _("disks that are not restored were taken out of the machine: {disks}")
        found.append(text.format(disks=", ".join(gone)))
    if identity.without_host_devices and spec.host_devices:
        text = _("devices of the host were taken out of the machine: {devices}")
        found.append(text.format(devices=", ".join(spec.host_devices)))
    if spec.firmware.nvram and NVRAM not in point.files:
        found.append(_("the point has no UEFI variables: they will start as the firmware's own"))
    return found
