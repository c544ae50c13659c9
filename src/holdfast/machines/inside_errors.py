"""What can keep files inside a disk from being reached, each with a remedy."""

from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.texts import N_


class InsideNeedsRoot(HoldfastError):
    code = "files-inside-need-root"
    sentence = N_("File systems of a virtual machine cannot be mounted here: {reason}")
    remedy = N_(
        "Run the command as root on a machine where loop devices are allowed, or bring the disk "
        "back as a file with `holdfast vm restore --only-disks` and look into it elsewhere."
    )


class VolumeMissing(HoldfastError):
    code = "volume-missing"
    sentence = N_("The recovery point {point} has no volume {volume}, it has {known}")
    remedy = N_("`holdfast vm files {point}` shows the volumes; begin the path with one of them.")
    exit_status = Exit.USAGE


class VolumeUnreadable(HoldfastError):
    code = "volume-unreadable"
    sentence = N_("The volume {volume} cannot be mounted: {reason}")
    remedy = N_(
        "What is encrypted, swap or damaged cannot be looked into. Restore the machine under "
        "another name and look into it there."
    )


class InsidePathMissing(HoldfastError):
    code = "path-inside-missing"
    sentence = N_("There is no {path} in the volume {volume}")
    remedy = N_("List the folder above it with `holdfast vm files`.")
    exit_status = Exit.USAGE


class InsideNotRead(HoldfastError):
    code = "files-inside-not-read"
    sentence = N_("{path} of the volume {volume} was not read: {reason}")
    remedy = N_("See whether the recovery point is sound: `holdfast check --read-data`.")


class InsideNotCopied(HoldfastError):
    code = "files-inside-not-copied"
    sentence = N_("{path} was not copied to {target}: {reason}")
    remedy = N_("See that there is room, and that the recovery point is sound: `holdfast check`.")
