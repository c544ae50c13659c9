"""Backup jobs in libvirt's words."""

from dataclasses import dataclass
from enum import Enum

from holdfast.hypervisor.xml_reading import Element, read_xml, sub, write_xml


class Mode(Enum):
    FULL = "full"
    INCREMENTAL = "incremental"


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskPlan:
    """One disk of a backup: `scratch` receives what the guest overwrites while it is read."""

    target: str
    export: str
    scratch: str
    mode: Mode = Mode.FULL
    # The checkpoint whose changes are wanted.
    since: str | None = None
    # The name of the change map on the wire, without `qemu:dirty-bitmap:`.
    bitmap: str | None = None

    def __post_init__(self) -> None:
        if (self.mode is Mode.INCREMENTAL) != (self.since is not None):
            raise ValueError(f"{self.target}: an incremental plan names its checkpoint")

    @property
    def context(self) -> str | None:
        """The metadata context that tells the changed ranges; None for a whole disk."""
        if self.mode is Mode.FULL:
            return None
        return f"qemu:dirty-bitmap:{self.bitmap or default_bitmap(self.target)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupPlan:
    """All disks at one instant; the checkpoint, if any, is made at the same instant."""

    socket: str
    disks: tuple[DiskPlan, ...]
    checkpoint: str | None = None
    checkpoint_disks: tuple[str, ...] = ()


def default_bitmap(target: str) -> str:
    return f"backup-{target}"


def backup_xml(plan: BackupPlan, *, others: tuple[str, ...] = ()) -> str:
    """`others` are the machine's remaining disks: libvirt takes in what is not named."""
    root = Element("domainbackup", {"mode": "pull"})
    sub(root, "server", {"transport": "unix", "socket": plan.socket})
    listed = sub(root, "disks")
    for disk in plan.disks:
        _add_disk(listed, disk)
    for target in others:
        sub(listed, "disk", {"name": target, "backup": "no"})
    return write_xml(root)


def _add_disk(listed: Element, plan: DiskPlan) -> None:
    attributes = {
        "name": plan.target,
        "backup": "yes",
        "type": "file",
        # By disk, never for the whole machine: one new disk would fail it for all.
        "backupmode": plan.mode.value,
        "exportname": plan.export,
    }
    if plan.since is not None:
        attributes["incremental"] = plan.since
        attributes["exportbitmap"] = plan.bitmap or default_bitmap(plan.target)
    disk = sub(listed, "disk", attributes)
    sub(disk, "driver", {"type": "qcow2"})
    sub(disk, "scratch", {"file": plan.scratch})


def read_backup(xml: str) -> BackupPlan:
    """The plan of a running job, as libvirt tells it; its checkpoint is not part of that."""
    root = read_xml(xml, root="domainbackup", about="backup")
    server = root.find("server")
    common = root.findtext("incremental")
    return BackupPlan(
        socket="" if server is None else server.get("socket", ""),
        disks=tuple(
            _read_disk(disk, common)
            for disk in root.iterfind("disks/disk")
            if disk.get("backup", "yes") == "yes"
        ),
    )


def _read_disk(disk: Element, common: str | None) -> DiskPlan:
    target = disk.get("name", "")
    since = disk.get("incremental") or (None if disk.get("backupmode") == "full" else common)
    scratch = disk.find("scratch")
    return DiskPlan(
        target=target,
        export=disk.get("exportname", target),
        scratch="" if scratch is None else scratch.get("file") or scratch.get("dev") or "",
        mode=Mode.FULL if since is None else Mode.INCREMENTAL,
        since=since,
        bitmap=disk.get("exportbitmap"),
    )
