"""What can keep a virtual machine from being backed up, each with a remedy."""

from holdfast.base.errors import Exit, HoldfastError, Retry
from holdfast.base.texts import N_


class VmOperationRunning(HoldfastError):
    """150066 in the words of the original: another operation is in progress."""

    code = "vm-operation-running"
    sentence = N_("{about} is busy: {work} by process {pid} for {age}")
    remedy = N_("Wait for its end, or look at that process with `ps -f -p {pid}`.")
    exit_status = Exit.LOCKED
    retry = Retry.LATER
    source_codes = ("150066",)


class VmTurnNotCome(HoldfastError):
    """Too many machines are backed up at once for too long; nothing is wrong with this one."""

    code = "vm-turn-not-come"
    sentence = N_("{about} waited {waited} for its turn to be backed up, behind {holders}")
    remedy = N_(
        "Wait for their end and run the same command again. How many machines are backed up at "
        "once, and how long others wait, say `vm-parallel`, `vm-parallel-per-store` and `vm-wait` "
        "in config.toml."
    )
    exit_status = Exit.LOCKED
    retry = Retry.LATER


class VmForeignBackup(HoldfastError):
    """A pull job that is not ours; ending it would break somebody else's backup."""

    code = "vm-foreign-backup"
    sentence = N_("{about} is being backed up by another program, which serves it at {socket}")
    remedy = N_("Wait for its end; if it is gone, end its job with `virsh domjobabort {about}`.")
    exit_status = Exit.LOCKED
    retry = Retry.LATER


class VmScratchFull(HoldfastError):
    code = "vm-scratch-full"
    sentence = N_(
        "The backup of {about} was ended before its scratch files filled {folder}: {free} are free"
    )
    remedy = N_(
        "The guest runs on and nothing was lost. Free space there, or name a larger folder with "
        "--scratch; it needs room for what the guest overwrites during a backup."
    )
    retry = Retry.LATER


class VmScratchUnusable(HoldfastError):
    code = "vm-scratch-unusable"
    sentence = N_("There can be no scratch files in {folder}: {reason}")
    remedy = N_("Name a folder on this machine that QEMU may write to with --scratch.")


class VmWentAway(HoldfastError):
    code = "vm-went-away"
    sentence = N_("{about} was switched off, or its backup was ended, while it was read: {reason}")
    remedy = N_("Run the same command again; a machine that is off is read from its images.")
    retry = Retry.LATER


class VmNotConsistent(HoldfastError):
    code = "vm-not-consistent"
    sentence = N_(
        "A recovery point of {about} would be {found}-consistent, "
        "and {wanted}-consistent is the least asked for: {reasons}"
    )
    remedy = N_(
        "No recovery point was made. Install and start the guest agent in it, or allow less: "
        "--consistency {found}."
    )
    retry = Retry.LATER


class VmWithoutDisks(HoldfastError):
    code = "vm-without-disks"
    sentence = N_("{about} has no disk that can be backed up: {reasons}")
    remedy = N_("`holdfast vm status {about}` shows the reason for each disk.")


class VmStarted(HoldfastError):
    code = "vm-started"
    sentence = N_("{about} was started while its images were read")
    remedy = N_("Run the same command again: a running machine is read through its QEMU.")
    retry = Retry.NOW


class VmImageNotHere(HoldfastError):
    code = "vm-image-not-here"
    sentence = N_("The disk {disk} of {about} is not on this machine: {source}")
    remedy = N_(
        "Run the backup on the host of the virtual machine, or start the virtual machine first."
    )


class VmHalfRestored(HoldfastError):
    """A point of such disks would be a point of nothing that ever was."""

    code = "vm-half-restored"
    sentence = N_("A restore in place of {about} was interrupted: its disks are half old, half new")
    remedy = N_(
        "Run `holdfast vm restore POINT --in-place` again to its end, then the same command."
    )


class VmBitmapImpossible(HoldfastError):
    """Asked for by name; on its own a disk that cannot record its changes is compared."""

    code = "vm-bitmap-impossible"
    sentence = N_("These disks of {about} cannot record their changes in bitmaps: {disks}")
    remedy = N_(
        "Compare them, with `--tracking auto`, or record the changes of the machine in overlays: "
        "`holdfast vm protect {about} --tracking overlay`."
    )
