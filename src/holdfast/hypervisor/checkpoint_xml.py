"""Checkpoints in libvirt's words."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NewType

from holdfast.hypervisor.errors import VmDescriptionBroken
from holdfast.hypervisor.xml_reading import Element, read_xml, sub, write_xml

CheckpointName = NewType("CheckpointName", str)

_OURS = re.compile(r"holdfast-[0-9a-f]{16}")


def new_name() -> CheckpointName:
    """A name never used before: an image put back from long ago cannot match it by chance."""
    return CheckpointName(f"holdfast-{secrets.token_hex(8)}")


def is_ours(name: str) -> bool:
    return _OURS.fullmatch(name) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    name: str
    created: int
    # The disks whose changes it records.
    disks: tuple[str, ...]
    # Changed bytes by disk, where they were asked for.
    sizes: Mapping[str, int]


def checkpoint_xml(name: str, *, disks: tuple[str, ...], others: tuple[str, ...] = ()) -> str:
    """A checkpoint of these disks; `others` are named too, since libvirt would take them in."""
    root = Element("domaincheckpoint")
    sub(root, "name").text = name
    listed = sub(root, "disks")
    for target in disks:
        sub(listed, "disk", {"name": target, "checkpoint": "bitmap"})
    for target in others:
        sub(listed, "disk", {"name": target, "checkpoint": "no"})
    return write_xml(root)


def read_checkpoint(xml: str) -> Checkpoint:
    root = read_xml(xml, root="domaincheckpoint", about="checkpoint")
    tracked = [
        disk for disk in root.iterfind("disks/disk") if disk.get("checkpoint", "bitmap") == "bitmap"
    ]
    try:
        return Checkpoint(
            name=root.findtext("name", ""),
            created=int(root.findtext("creationTime", "0")),
            disks=tuple(disk.get("name", "") for disk in tracked),
            sizes={
                disk.get("name", ""): int(disk.get("size", ""))
                for disk in tracked
                if disk.get("size") is not None
            },
        )
    except ValueError as err:
        raise VmDescriptionBroken(about="checkpoint", reason=str(err)) from err


def for_redefinition(checkpoint: str, *, domain: str) -> str:
    """The stored description, with the machine's description of now inside, as libvirt wants."""
    root = read_xml(checkpoint, root="domaincheckpoint", about="checkpoint")
    stored = root.find("domain")
    if stored is not None:
        root.remove(stored)
    parent = root.find("parent")
    if parent is not None:
        # The one before it is gone in general, and a missing parent is an error.
        root.remove(parent)
    root.append(read_xml(domain, root="domain", about="VM"))
    for disk in root.iterfind("disks/disk"):
        disk.attrib.pop("size", None)
    return write_xml(root)
