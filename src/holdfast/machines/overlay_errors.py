"""What can keep the changes of a machine from being recorded in overlays, each with a remedy."""

from holdfast.base.errors import Exit, HoldfastError, Retry
from holdfast.base.texts import N_


class VmOverlayImpossible(HoldfastError):
    code = "vm-overlay-impossible"
    sentence = N_("The changes of {about} cannot be recorded in overlays: {reasons}")
    remedy = N_(
        "All disks of a machine are recorded in the same way. Mend that, or record them in "
        "another way: `holdfast vm protect {about} --tracking auto`."
    )


class VmOverlayFull(HoldfastError):
    code = "vm-overlay-full"
    sentence = N_("There is no room for an overlay of {about} in {folder}: {free} are free")
    remedy = N_(
        "The disks are compared instead, and the overlays that were there are merged if that "
        "needs no more room. Free space there: an overlay takes what the guest writes until the "
        "next point. Without overlays: `holdfast vm protect {about} --tracking auto`."
    )
    retry = Retry.LATER


class VmOverlayStuck(HoldfastError):
    """Its content is where it was; only the chain of images stays longer than it should be."""

    code = "vm-overlay-stuck"
    sentence = N_("An overlay of {about} could not be merged into {image}: {reason}")
    remedy = N_(
        "Nothing is lost, and the next backup tries it again. If it stays so, look at "
        "`virsh domblklist {about}`, at the free space there, and at the log of the machine in "
        "/var/log/libvirt/qemu."
    )
    retry = Retry.LATER


class VmOverlayShrunk(HoldfastError):
    code = "vm-overlay-shrunk"
    sentence = N_("{disk} of {about} has become smaller than the image below its overlay")
    remedy = N_(
        "It can be merged while the machine is off: shut it down, and run the same command again."
    )


class VmOverlayMemorySaved(HoldfastError):
    """What the saved memory goes on with names the overlay as its disk."""

    code = "vm-overlay-memory-saved"
    sentence = N_(
        "{about} was saved to disk while running, and what was saved names its overlays as its disks"
    )
    remedy = N_("Start the machine with `virsh start {about}`, and run the same command again.")


class VmOverlayAstray(HoldfastError):
    """libvirt died between the instant and its own note of it."""

    code = "vm-overlay-astray"
    sentence = N_(
        "{about} writes to overlays that its hypervisor does not know of, because it ended at the "
        "moment they were made: {files}"
    )
    remedy = N_(
        "Nothing is lost. Shut the machine down and start it again, with `virsh shutdown {about}` "
        "and `virsh start {about}`: its definition names them already. A reboot is not enough."
    )
    exit_status = Exit.LOCKED


class VmOverlayUnclear(HoldfastError):
    """Both the image and the overlay were written to; only a person can know which counts."""

    code = "vm-overlay-unclear"
    sentence = N_("{about} has an overlay that was written to, but is not its disk now: {file}")
    remedy = N_(
        "It was left by a hypervisor that was killed. If the machine is as it should be, remove "
        "that file and run the same command again; else name it as the disk with "
        "`virsh edit {about}`."
    )
    exit_status = Exit.DECIDE
