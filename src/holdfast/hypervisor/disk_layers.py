"""Images on top of each other below a disk: another one put on top, some merged into one below.

What is put on top is from then on what the machine writes to, in its definition too.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from holdfast.hypervisor.binding import load
from holdfast.hypervisor.domains import Domain
from holdfast.hypervisor.errors import HypervisorFailed
from holdfast.hypervisor.xml_reading import Element, drop, read_xml, sub, write_xml

_TAKEN = "Duplicate nodes"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedLayers:
    """All is said; `put` is short, and one instant for all disks."""

    domain: Domain
    snapshot: str

    def put(self) -> None:
        libvirt = load()
        flags = libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY
        flags |= libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC
        # libvirt keeps no list of them: what lies on what stands in the images.
        flags |= libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA
        for is_last in (False, False, False, True):
            try:
                with self.domain.handle() as handle:
                    handle.snapshotCreateXML(self.snapshot, flags)
            except HypervisorFailed as err:
                # One that was killed in the middle has left names in QEMU; it takes others then.
                if is_last or _TAKEN not in str(err.fields.get("reason", "")):
                    raise
            else:
                return


def prepare_layers(domain: Domain, files: Mapping[str, str]) -> PreparedLayers:
    """`files` by disk: where its new image shall lie, and where nothing lies yet."""
    targets = tuple(disk.target for disk in domain.spec().disks)
    others = tuple(each for each in targets if each not in files)
    return PreparedLayers(domain=domain, snapshot=layers_xml(files, others=others))


def layers_xml(files: Mapping[str, str], *, others: tuple[str, ...] = ()) -> str:
    """`others` are the machine's remaining disks: libvirt takes in what is not named."""
    root = Element("domainsnapshot")
    listed = sub(root, "disks")
    for target, path in files.items():
        disk = sub(listed, "disk", {"name": target, "snapshot": "external", "type": "file"})
        sub(disk, "driver", {"type": "qcow2"})
        sub(disk, "source", {"file": path})
    for target in others:
        sub(listed, "disk", {"name": target, "snapshot": "no"})
    return write_xml(root)


def merge_layers(domain: Domain, target: str, *, base: str, top: str) -> None:
    """Begin to write what lies above `base`, up to `top`, into it; it ends by itself.

    `top` is not what the machine writes to. Its file stays, and is no part of the disk any more.
    """
    with domain.handle() as handle:
        handle.blockCommit(target, base, top, 0, 0)


def merge_all_layers(domain: Domain, target: str, *, base: str) -> None:
    """Begin to write all that lies above `base` into it; `end_disk_job` makes it the disk."""
    flags = load().VIR_DOMAIN_BLOCK_COMMIT_ACTIVE
    with domain.handle() as handle:
        handle.blockCommit(target, base, None, 0, flags)


def without_layers(xml: str, files: AbstractSet[str]) -> str | None:
    """A description that does not say that these lie below a disk; None if it does not anyway.

    libvirt writes down what lies below what it has put on top, and would insist on it. What is not
    said it reads in the images.
    """
    root = read_xml(xml, root="domain", about="VM")
    found = [
        disk
        for disk in root.iterfind("devices/disk")
        if any(source.get("file") in files for source in disk.iterfind(".//backingStore/source"))
    ]
    for disk in found:
        drop(disk, "backingStore")
    return write_xml(root) if found else None


def is_merge_ready(domain: Domain, target: str) -> bool:
    """Whether all that lay above is in the base, so that it can become the disk."""
    root = read_xml(domain.xml(), root="domain", about=domain.name)
    for disk in root.iterfind("devices/disk"):
        name, mirror = disk.find("target"), disk.find("mirror")
        if name is not None and name.get("dev") == target and mirror is not None:
            return mirror.get("ready") == "yes"
    return False
