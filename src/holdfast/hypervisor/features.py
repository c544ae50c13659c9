"""What a hypervisor can do, found by asking it; its version number says little.

Distributions carry features back, and the daemon need not be as old as the library. Each
question is one that libvirt refuses in any case; how it refuses tells whether it understood.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from holdfast.hypervisor.backup_jobs import job_stats
from holdfast.hypervisor.binding import failure_of, load
from holdfast.hypervisor.domains import Domain
from holdfast.hypervisor.errors import VmBusy
from holdfast.hypervisor.xml_reading import Element, child, drop, read_xml, sub, write_xml

# Of libvirt 11.10; an older binding has no name for it.
PRESERVE_SHUTDOWN_DOMAIN: Final = 2

# An element libvirt expects nowhere, so that whatever reads it fails before it does anything.
_NONSENSE: Final = "<nonsense/>"
# libvirt compares it with its schema first; then it finds that there is no such disk.
_WITH_MODE: Final = (
    "<domainbackup mode='pull'><server transport='unix' socket='/nonexistent'/><disks>"
    "<disk name='vdnone' backup='yes' type='file' backupmode='{mode}'/></disks></domainbackup>"
)
_UNKNOWN_FLAG = "unsupported flags"


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    # Backup jobs and checkpoints at all.
    backup: bool
    # Full and incremental disks in one job.
    mode_by_disk: bool
    # A redefined checkpoint can be compared with the bitmaps that are there.
    checkpoint_validation: bool
    # QEMU is kept, paused, when the guest powers off in the middle of a backup.
    preserve_shutdown: bool
    # A copy that receives each write before the guest is told that it is done.
    synchronous_copy: bool
    # qcow2 metadata beside a raw data file, which makes raw disks trackable.
    data_file: bool


def probe_features(domain: Domain) -> Features:
    """Ask about this machine, running or not; nothing is begun and nothing is changed.

    Not in the middle of a job: libvirt would let one of the questions wait for its end.
    """
    stats = job_stats(domain)
    if stats is not None:
        raise VmBusy(about=domain.name, reason=stats.operation)
    with domain.handle() as handle:
        return Features(
            backup=_has_backup(domain, handle),
            mode_by_disk=_has_mode_by_disk(handle),
            checkpoint_validation=_knows_flag(
                lambda: handle.checkpointCreateXML(_NONSENSE, _validation_flags())
            ),
            preserve_shutdown=_knows_flag(
                lambda: handle.backupBegin(_NONSENSE, None, PRESERVE_SHUTDOWN_DOMAIN)
            ),
            synchronous_copy=_knows_flag(
                lambda: handle.blockCopy("none", _NONSENSE, {}, _synchronous_flag())
            ),
            data_file=_has_data_file(domain, handle),
        )


def _has_mode_by_disk(handle: Any) -> bool:
    """A libvirt that knows the attribute tells a good value of it from a bad one."""

    def is_misread(mode: str) -> bool:
        refusal = _refusal(lambda: handle.backupBegin(_WITH_MODE.format(mode=mode), None, 0))
        return "schema" in refusal or "backupmode" in refusal

    return is_misread("nonsense") and not is_misread("full")


def _validation_flags() -> int:
    libvirt = load()
    flags = libvirt.VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE
    return int(flags | libvirt.VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE_VALIDATE)


def _synchronous_flag() -> int:
    return int(load().VIR_DOMAIN_BLOCK_COPY_SYNCHRONOUS_WRITES)


def _knows_flag(call: Callable[[], object]) -> bool:
    return _UNKNOWN_FLAG not in _refusal(call)


def _refusal(call: Callable[[], object]) -> str:
    try:
        call()
    except load().libvirtError as err:
        return failure_of(err).message
    raise AssertionError("libvirt accepted nonsense")


def _has_backup(domain: Domain, handle: Any) -> bool:
    spec = domain.spec()
    connection = handle.connect()
    text = connection.getDomainCapabilities(None, spec.arch, spec.machine, spec.kind, 0)
    backup = read_xml(text, root="domainCapabilities", about=domain.name).find("features/backup")
    return backup is not None and backup.get("supported") == "yes"


def _has_data_file(domain: Domain, handle: Any) -> bool:
    """Have a machine with such a disk written as a command line, and look whether it is there."""
    description = read_xml(domain.xml(inactive=True), root="domain", about=domain.name)
    devices = child(description, "devices")
    drop(devices, "disk")
    _add_disk_with_data_file(devices)
    try:
        told = handle.connect().domainXMLToNative("qemu-argv", write_xml(description), 0)
    except load().libvirtError:
        # Old ones answer with "unsupported" or a missing device: in both cases, not to be used.
        return False
    return "data-file" in told


def _add_disk_with_data_file(devices: Element) -> None:
    disk = sub(devices, "disk", {"type": "file", "device": "disk"})
    sub(disk, "driver", {"name": "qemu", "type": "qcow2"})
    source = sub(disk, "source", {"file": "/nonexistent/metadata.qcow2"})
    store = sub(source, "dataStore", {"type": "file"})
    sub(store, "format", {"type": "raw"})
    sub(store, "source", {"file": "/nonexistent/data.raw"})
    sub(disk, "backingStore")
    sub(disk, "target", {"dev": "vda", "bus": "virtio"})
