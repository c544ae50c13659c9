"""New overlays put on a machine's disks, and what became of those a dying process was putting.

libvirt writes down what the disks are only after QEMU has changed them. If it is killed in
between, the machine writes to files its definition does not name, and its next start would lose
them. So a note is made before, and the definition is mended by whoever finds it.
"""

import contextlib
import glob
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.disks.images import extents, links
from holdfast.hypervisor.disk_layers import PreparedLayers, prepare_layers
from holdfast.hypervisor.domain_identity import DiskPlace
from holdfast.hypervisor.domains import Domain, define_domain
from holdfast.hypervisor.machine_spec import DomainSpec
from holdfast.machines.layers import generation_of
from holdfast.machines.overlay_agreement import agree, is_in_use
from holdfast.machines.overlay_errors import VmOverlayAstray, VmOverlayUnclear
from holdfast.machines.overlay_note import (
    OverlayNote,
    read_overlay_note,
    remove_overlay_note,
    write_overlay_note,
)
from holdfast.machines.overlays import LayeredDisk, layered_disks, remove_layers, with_places
from holdfast.machines.pulling import patiently

_MAGIC = b"QFI\xfb"


def prepared_layers(domain: Domain, files: Mapping[str, str], *, home: str) -> PreparedLayers:
    """From now on it is noted that they may be there."""
    prepared = prepare_layers(domain, files)
    write_overlay_note(home, domain.uuid, OverlayNote(put=dict(files)))
    return prepared


def settle_layers(domain: Domain, clock: Clock, *, home: str) -> None:
    """What was noted is so, or is undone, or the machine's definition is mended."""
    note = read_overlay_note(home, domain.uuid)
    if note.put:
        patiently(lambda: _settle(domain, note.put), clock)
    patiently(lambda: agree(domain), clock)
    _remove_merged(domain, note.merged)
    remove_overlay_note(home, domain.uuid)


def _settle(domain: Domain, put: Mapping[str, str]) -> None:
    spec = domain.spec(inactive=not domain.is_active())
    missing = {target: path for target, path in put.items() if not _is_disk(spec, target, path)}
    there = {target: path for target, path in missing.items() if _is_image(path)}
    if any(is_in_use(path) for path in there.values()):
        _mend(domain, there)
        raise VmOverlayAstray(about=domain.name, files=", ".join(there.values()))
    written = {target: path for target, path in there.items() if _was_written(path)}
    if written and not (_is_newest(spec, written) and not domain.is_active()):
        raise VmOverlayUnclear(about=domain.name, file=next(iter(written.values())))
    if written:
        _mend(domain, there)
        return
    for path in missing.values():
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def _is_image(path: str) -> bool:
    """Not one whose making broke off: nobody can have written to that."""
    try:
        with open(path, "rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except FileNotFoundError:
        return False


def _is_disk(spec: DomainSpec, target: str, path: str) -> bool:
    disk = spec.disk(target)
    return disk is not None and disk.source == path


def _mend(domain: Domain, files: Mapping[str, str]) -> None:
    """Its next start uses them."""
    places = {target: DiskPlace(path=path, format="qcow2") for target, path in files.items()}
    define_domain(domain.host, with_places(domain.xml(inactive=True, secure=True), places))


def _was_written(path: str) -> bool:
    found = extents(Path(path), format_="qcow2", is_live=True)
    return any(extent.depth == 0 for extent in found)


def _is_newest(spec: DomainSpec, files: Mapping[str, str]) -> bool:
    """Nobody has written to what lies below since: the machine was not started without them."""
    for target, path in files.items():
        disk = spec.disk(target)
        if disk is None or disk.source is None:
            return False
        if os.stat(disk.source).st_mtime_ns > os.stat(path).st_mtime_ns:
            return False
    return True


def _remove_merged(domain: Domain, files: Iterable[str]) -> None:
    """What a merge was noted for and is no part of a disk is removed."""
    is_live = domain.is_active()
    disks = layered_disks(domain.spec(inactive=not is_live), is_live=is_live) if files else ()
    parts = {path for disk in disks for path in disk.layers}
    remove_layers(domain, [file for file in files if file not in parts])


def remove_orphans(domain: Domain, disks: Iterable[LayeredDisk]) -> None:
    """Overlays that were merged by a job whose backup was killed while it waited.

    One that lies on what the machine writes to is no such: it is left alone.
    """
    for disk in disks:
        parts = {link.path for link in disk.chain}
        for path in glob.glob(f"{glob.escape(disk.below.path)}.holdfast-*"):
            if generation_of(path) and path not in parts and _is_orphan(path, disk):
                remove_layers(domain, (path,))


def _is_orphan(path: str, disk: LayeredDisk) -> bool:
    try:
        chain = links(Path(path), format_="qcow2")
    except HoldfastError:
        # In use, or below it is what is not there any more.
        return False
    return len(chain) > 1 and chain[1].path != disk.chain[0].path
