"""The remarks of a planner's sheet in words, each with what can be done."""

from typing import Final

from holdfast.base.texts import N_, _
from holdfast.base.units import format_size
from holdfast.machines.preflight import Remark

_TEXTS: Final[dict[str, tuple[str, str]]] = {
    "removable": (N_("a {device} drive, not part of the machine's data"), ""),
    "empty-drive": (N_("a drive with nothing in it"), ""),
    "read-only": (N_("the machine cannot write it, so it is not backed up"), ""),
    "transient-disk": (
        N_("what is written to it is thrown away when the machine stops"),
        N_("Remove <transient/> from the disk if its content matters: `virsh edit VM`."),
    ),
    "passthrough-disk": (
        N_("a SCSI device handed to the guest as it is; QEMU does not see what is written"),
        N_("Attach it with device='disk', or back it up from inside the guest."),
    ),
    "unknown-source": (
        N_("a disk of kind {kind} cannot be read from outside the guest"),
        N_("Move the data to a disk in a file or on a block device, or back it up in the guest."),
    ),
    "shared-disk": (
        N_("several machines may write it at the same time"),
        N_("Back it up from inside the cluster that shares it; the other disks are taken."),
    ),
    "image-missing": (
        N_("{path} is not there"),
        N_("Mount the storage it lies on, or correct the path: `virsh edit VM`."),
    ),
    "image-corrupt": (
        N_("{path} is marked as corrupt"),
        N_("Stop the machine and run `qemu-img check -r all`, or restore it."),
    ),
    "disk-too-large": (
        N_("it has {size}, and the limit is {limit}"),
        N_("Raise the limit (`vm-max-disk`), or move the data to smaller disks."),
    ),
    "network-disk": (
        N_("it is reached over {protocol}: it can be backed up while the machine runs"),
        "",
    ),
    "image-unseen": (N_("its image could not be looked at: {reason}"), ""),
    "place-not-writable": (
        N_("{path} cannot be written from here: a restore in place or a failback will fail"),
        N_("Run as root, or see to it that the file system is not read-only."),
    ),
    "copy-under-way": (
        N_("it is being copied or mirrored; no backup can begin until that has ended"),
        N_("`virsh blockjob VM DISK --info` shows how far it is."),
    ),
    "encrypted-disk": (N_("the image is encrypted; its points hold what the guest sees"), ""),
    "chain-full": (
        N_("{depth} images lie on each other, which is as many as libvirt opens"),
        N_("Merge them: `virsh blockcommit VM DISK --active --pivot`."),
    ),
    "chain-deep": (
        N_("{depth} images lie on each other; starting becomes slow above {most}"),
        N_("Merge them: `virsh blockcommit VM DISK --active --pivot`."),
    ),
    "internal-snapshots": (
        N_(
            "it has {count} internal snapshots such as {first}: going back to one stops the machine"
        ),
        N_("Before going back to one, know that the next backup reads the whole disk."),
    ),
    "no-tracking": (
        N_("a {format} image cannot record changes: each backup reads all of it"),
        N_("With the machine off: `qemu-img convert -O qcow2`, then change the disk to the copy."),
    ),
    "qcow2-v2": (
        N_("{path} is of qcow2's old version, which cannot record changes"),
        N_("With the machine off: `qemu-img amend -f qcow2 -o compat=1.1 IMAGE`."),
    ),
    "overlay-possible": (
        N_("its changes can be recorded in overlays, which outlast a power failure"),
        N_("`holdfast vm protect VM --tracking overlay`."),
    ),
    "no-overlay": (N_("its changes cannot be recorded in overlays either: {reason}"), ""),
    "nothing-to-take": (
        N_("it has no disk that can be backed up"),
        N_("See what is said of each disk."),
    ),
    "no-backup-jobs": (
        N_("its hypervisor knows no backup jobs"),
        N_("libvirt 7.2 with QEMU 5.2 is the least; update the host."),
    ),
    "transient-machine": (
        N_("its definition vanishes when it stops"),
        N_("Define it for good: `virsh dumpxml VM > vm.xml && virsh define vm.xml`."),
    ),
    "stuck-on-io": (
        N_("it is paused because a disk could not be written"),
        N_("Make room or repair the storage, then `virsh resume VM`."),
    ),
    "crashed": (
        N_("it has crashed; its points are as after a power cut"),
        N_("Find out why, and start it again."),
    ),
    "saved-state": (
        N_("it was saved to disk while running; its memory is in no point"),
        N_("Start it, or throw the saved state away: `virsh managedsave-remove VM`."),
    ),
    "host-device": (
        N_("a device of the host is handed to it ({devices}); another host may not have it"),
        N_("Plan for a host with the same device, or remove it before a failover."),
    ),
    "shared-folder": (
        N_("folders of the host are mounted in it ({folders}); they are in no point"),
        N_("Back them up on the host: `holdfast backup FOLDER`."),
    ),
    "tpm-passthrough": (
        N_("it uses the host's own TPM, whose keys cannot be taken along"),
        N_("Use an emulated TPM, and keep recovery keys of encrypted disks."),
    ),
    "no-channel": (
        N_("it has no channel for the guest agent, so the guest cannot be told of a backup"),
        N_("Add a channel org.qemu.guest_agent.0 of type unix with `virsh edit VM`."),
    ),
    "agent-absent": (
        N_("no guest agent runs in it, so points are as after a power cut"),
        N_("In the guest: install qemu-guest-agent and start it."),
    ),
    "agent-silent": (
        N_("the guest agent does not answer, so points are as after a power cut"),
        N_("In the guest: `systemctl restart qemu-guest-agent`."),
    ),
    "agent-unable": (
        N_("guest agent {version} does not do {commands}"),
        N_("In the guest: update qemu-guest-agent, and look at block-rpcs in its settings."),
    ),
    "frozen": (
        N_("its file systems are frozen now"),
        N_("If no backup runs: `virsh domfsthaw VM`."),
    ),
    "foreign-checkpoints": (N_("another program keeps {count} checkpoints of it"), ""),
}
_BYTES: Final = frozenset(("size", "limit"))
CODES: Final = frozenset(_TEXTS)


def sentence(remark: Remark) -> str:
    text, _remedy = _TEXTS[remark.code]
    return _(text).format(**{name: _shown(name, one) for name, one in remark.values.items()})


def remedy(remark: Remark, vm: str) -> str:
    """What can be done about it, for this machine; empty where nothing needs to be."""
    _text, cure = _TEXTS[remark.code]
    return _(cure).replace("VM", vm) if cure else ""


def _shown(name: str, value: object) -> object:
    return format_size(value) if name in _BYTES and isinstance(value, int) else value
