"""Whether a disk can have an overlay beside it, and why not. Decides, looks at nothing."""

from holdfast.hypervisor.machine_spec import DiskSpec


def why_not(disk: DiskSpec, snapshots: int = 0) -> str:
    """A word for it; empty where it can. `snapshots` are those within its image."""
    reasons = {
        # An overlay is a file, and must lie where the machine's owner expects its data.
        f"not-a-file ({disk.kind})": disk.kind != "file",
        "encrypted": disk.is_encrypted,
        "data-file": disk.has_data_file,
        "being-copied": disk.is_mirrored,
        "unknown-format": disk.format not in ("raw", "qcow2"),
        # Who goes back to one would find it gone: it is not in the overlay.
        "internal-snapshots": snapshots > 0,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")
