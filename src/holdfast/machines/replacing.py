"""A machine that is off gets its disks back as they were, where they lie; only what differs is written.

First what differs is gathered in an image above each disk: until all of it is there and durable,
the machine is as it was, whatever happens. Then a note says so, the machine is barred from being
started, and it is written into the disks; from then on whoever comes next ends the work. Only when
all of it is done the bar is taken away. Records of changes in the images stay right.
"""

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from holdfast.base.clock import Clock
from holdfast.base.texts import _
from holdfast.disks import images
from holdfast.disks.nbd_address import UnixAddress
from holdfast.disks.nbd_client import NbdClient
from holdfast.disks.serving import served_image
from holdfast.hypervisor.barred import is_barred, with_bar, without_bar
from holdfast.hypervisor.domain_identity import Identity, with_identity
from holdfast.hypervisor.domain_xml import read_domain
from holdfast.hypervisor.domains import Domain, define_domain
from holdfast.hypervisor.machine_spec import DiskSpec, DomainSpec
from holdfast.machines.disk_files import DiskFile, chosen_targets
from holdfast.machines.disk_reader import DiskReader
from holdfast.machines.disk_targets import NbdTarget
from holdfast.machines.disk_writing import WritingOptions, write_differences
from holdfast.machines.point_reader import PointReader
from holdfast.machines.progress import OnDisk, nobody_listens
from holdfast.machines.replacement_note import (
    Note,
    Part,
    apart,
    bring_to_end,
    drop_overlays,
    read_note,
    remove_note,
    without_stopping,
    write_note,
)
from holdfast.machines.restore_errors import (
    VmChangedMeanwhile,
    VmDiskElsewhere,
    VmMemorySaved,
    VmNotOff,
)
from holdfast.machines.restoring import CHANCE, TPM_FOLDER, Restored
from holdfast.machines.state_files import put_tpm, replace_file
from holdfast.machines.vm_state import NVRAM, TPM


def _certain() -> None:
    """No lock to look after."""


def _nobody_listens(_step: str) -> None:
    """Steps are not shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceWish:
    """`disks` by target, empty: all. With a choice only these go back, and nothing beside them."""

    clock: Clock
    # Where the note of an unfinished replacement lies.
    home: str
    disks: tuple[str, ...] = ()
    on_progress: OnDisk = nobody_listens
    # Raises when what was read may be gone: the last moment before anything is changed.
    certain: Callable[[], None] = _certain
    # A word at each step, for tests that break in there.
    on_step: Callable[[str], None] = _nobody_listens


def replace_in_place(point: PointReader, domain: Domain, wish: ReplaceWish) -> Restored:
    """The definition stays as it is now; the lock of the machine is held by the caller."""
    require_off(domain)
    _end_unfinished(domain, wish)
    spec = read_domain(without_bar(domain.xml(inactive=True)))
    parts = [_part(point, spec, target, wish) for target in chosen_targets(point, wish.disks)]
    with _barred_where_lost(domain, parts, wish), _overlays(parts):
        wish.on_step("begun")
        done = _gather(point, domain, parts, wish=wish)
        require_off(domain)
        note = Note(parts=tuple(parts))
        wish.certain()
        wish.on_step("gathered")
        write_note(wish.home, domain.uuid, note)
    lost = without_stopping(lambda: _change(point, domain, spec, note=note, wish=wish))
    return Restored(
        name=domain.name,
        uuid=domain.uuid,
        disks=tuple(done),
        warnings=(*_left_alone(point, spec, wish), *lost),
    )


def _end_unfinished(domain: Domain, wish: ReplaceWish) -> None:
    """Of a restore before this one; afterwards its images are gone, and a bar stays for ours."""
    note = read_note(wish.home, domain.uuid)
    if note is None:
        return
    if not is_barred(domain.xml(inactive=True)):
        # Nothing was changed yet, or all was done.
        drop_overlays(note)
        remove_note(wish.home, domain.uuid)
        return
    without_stopping(lambda: bring_to_end(note, wish.on_step))
    # Half is all that is known of it from here on: its other state is still that from before.
    write_note(wish.home, domain.uuid, Note(parts=()))


def _change(
    point: PointReader, domain: Domain, spec: DomainSpec, *, note: Note, wish: ReplaceWish
) -> Sequence[str]:
    wish.on_step("noted")
    xml = domain.xml(inactive=True, secure=True)
    define_domain(domain.host, with_bar(xml, [part.target for part in note.parts]))
    wish.on_step("barred")
    bring_to_end(note, wish.on_step)
    lost = () if wish.disks else _put_state_back(point, domain, spec)
    wish.on_step("state put back")
    define_domain(domain.host, _described_anew(without_bar(xml), spec))
    wish.on_step("let go")
    remove_note(wish.home, domain.uuid)
    return lost


def require_off(domain: Domain) -> None:
    standing = domain.standing()
    if standing.is_active:
        raise VmNotOff(about=domain.name, state=standing.state.name.lower())
    if domain.has_saved_memory():
        raise VmMemorySaved(about=domain.name)


def _part(point: PointReader, spec: DomainSpec, target: str, wish: ReplaceWish) -> Part:
    """Of the disk as the machine has it now."""
    disk = spec.disk(target)
    reason = _reason_against(disk)
    if disk is None or disk.source is None or reason:
        raise VmDiskElsewhere(about=spec.name, disk=target, reason=reason)
    format_ = disk.format or "raw"
    path = Path(disk.source)
    wanted = point.disk(target).blocks.size
    is_missing = disk.kind == "file" and not path.exists()
    size = wanted if is_missing else images.inspect(path, format_=format_).virtual_size
    if disk.kind == "block" and size != wanted:
        reason = _("the device has {size} bytes, the disk had {wanted}").format(
            size=size, wanted=wanted
        )
        raise VmDiskElsewhere(about=spec.name, disk=target, reason=reason)
    return Part(
        target=target,
        image=str(path),
        format=format_,
        size=wanted,
        apart=apart(wish.home, spec.uuid, target) if path.is_block_device() else "",
    )


def _reason_against(disk: DiskSpec | None) -> str:
    if disk is None:
        return _("the machine has no such disk any more")
    if disk.kind not in ("file", "block"):
        return _("it is no file or device of this host")
    if disk.is_shareable:
        return _("other machines may be writing to it")
    if disk.is_encrypted or disk.has_data_file:
        return _("its image is encrypted or in two files")
    return ""


@contextlib.contextmanager
def _barred_where_lost(domain: Domain, parts: Sequence[Part], wish: ReplaceWish) -> Iterator[None]:
    """An image that was lost is made anew, and until the end it is empty: nobody may boot it."""
    lost = [part.target for part in parts if not Path(part.image).exists()]
    xml = domain.xml(inactive=True, secure=True)
    if not lost or is_barred(xml):
        yield
        return
    write_note(wish.home, domain.uuid, Note(parts=()))
    define_domain(domain.host, with_bar(xml, lost))
    try:
        yield
    except BaseException:
        define_domain(domain.host, xml)
        remove_note(wish.home, domain.uuid)
        raise


@contextlib.contextmanager
def _overlays(parts: Sequence[Part]) -> Iterator[None]:
    """An image above each disk for what differs; gone again if it does not come to a note.

    An image that was lost is made anew.
    """
    made: list[Path] = []
    try:
        for part in parts:
            overlay = Path(part.overlay)
            # That of a restore that was killed before it wrote a note.
            overlay.unlink(missing_ok=True)
            image = Path(part.image)
            if not image.exists():
                made.append(image)
                images.create(image, part.size, format_=part.format)
            made.append(overlay)
            images.create(overlay, part.size, backing=image, backing_format=part.format)
        yield
    except BaseException:
        for path in made:
            path.unlink(missing_ok=True)
        raise


def _gather(
    point: PointReader, domain: Domain, parts: Sequence[Part], *, wish: ReplaceWish
) -> list[DiskFile]:
    """The images are held against a start all the while."""
    stamps = {part.image: _stamp(part.image) for part in parts}
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        targets = []
        for number, part in enumerate(parts):
            served = served_image(
                Path(part.overlay),
                folder / str(number),
                format_="qcow2",
                clock=wish.clock,
                is_writable=True,
            )
            address = stack.enter_context(served)
            targets.append(stack.enter_context(_target(address)))
        require_off(domain)
        done = [
            _differences(point, part, target, wish)
            for part, target in zip(parts, targets, strict=True)
        ]
    for image, stamp in stamps.items():
        if _stamp(image) != stamp:
            raise VmChangedMeanwhile(about=domain.name, image=image)
    return done


def _target(address: UnixAddress) -> NbdTarget:
    return NbdTarget(lambda: NbdClient(address, contexts=()))


def _differences(point: PointReader, part: Part, target: NbdTarget, wish: ReplaceWish) -> DiskFile:
    options = WritingOptions(clock=wish.clock, disk=part.target, on_progress=wish.on_progress)
    written = write_differences(DiskReader(point, part.target), target, options)
    return DiskFile(
        target=part.target,
        path=Path(part.image),
        format=part.format,
        size=part.size,
        written=written,
    )


def _stamp(image: str) -> int:
    return Path(image).stat().st_mtime_ns


def _put_state_back(point: PointReader, domain: Domain, spec: DomainSpec) -> Sequence[str]:
    if spec.firmware.nvram and NVRAM in point.files:
        replace_file(Path(spec.firmware.nvram), point.read_file(NVRAM))
    if spec.tpm is not None and spec.tpm.backend == "emulator":
        if TPM not in point.files:
            return (_("the point has no state of the TPM: it stays as it is now"),)
        put_tpm(point.read_file(TPM), TPM_FOLDER / domain.uuid, point=point.snapshot.id)
    return ()


def _left_alone(point: PointReader, spec: DomainSpec, wish: ReplaceWish) -> Sequence[str]:
    there = {disk.target for disk in spec.data_disks}
    others = sorted(there - set(chosen_targets(point, wish.disks)))
    if not others or wish.disks:
        return ()
    text = _("disks that the point does not have stay as they are now: {disks}")
    return (text.format(disks=", ".join(others)),)


def _described_anew(xml: str, spec: DomainSpec) -> str:
    """A machine that goes back in time gets another generation id, where it has one."""
    if not spec.generation_id:
        return xml
    return with_identity(xml, Identity(generation_id=CHANCE.new_uuid()))
