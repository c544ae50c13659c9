"""What keeps a virtual machine from being protected, each with a remedy."""

from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.texts import N_


class VmNotProtectable(HoldfastError):
    code = "vm-not-protectable"
    sentence = N_("{about} cannot be protected: {reason}")
    remedy = N_("`holdfast vm status {about}` shows each disk, and what can be done.")


class VmPartlyProtectable(HoldfastError):
    """A person must agree to it: what is left out would be missed only in a restore."""

    code = "vm-partly-protectable"
    sentence = N_("Some disks of {about} cannot be backed up: {reason}")
    remedy = N_(
        "Mend it, as `holdfast vm status {about}` says, or protect the other disks: "
        "`holdfast vm protect {about} --partly`."
    )
    exit_status = Exit.DECIDE


class VmDiskTooLarge(HoldfastError):
    code = "vm-disk-too-large"
    sentence = N_("Disk {disk} of {about} has {size}, and the limit is {limit}")
    remedy = N_(
        "Raise `vm-max-disk` in config.toml or --max-disk, or move the data to smaller disks, "
        "remove the large one, and run the same command again."
    )
    source_codes = ("UserErrorUnsupportedDiskSize",)


class VmLessConsistent(HoldfastError):
    code = "vm-less-consistent"
    sentence = N_(
        "Points of {about} can be {best}-consistent at best now, "
        "and {wanted}-consistent is the least asked for"
    )
    remedy = N_(
        "`holdfast vm status {about}` says why; mend the guest agent, or ask for less: "
        "--consistency {best}."
    )


class VmNeverFrozen(HoldfastError):
    code = "vm-never-frozen"
    sentence = N_(
        "{about} is set never to be frozen, so that its points are crash-consistent, "
        "and {wanted}-consistent is the least asked for"
    )
    remedy = N_(
        "Let it be frozen: `holdfast vm protect {about} --may-freeze`; or ask for less: "
        "--consistency crash."
    )
    exit_status = Exit.USAGE


class VmNoneProtected(HoldfastError):
    code = "vm-none-protected"
    sentence = N_("No virtual machine of {host} is protected from here")
    remedy = N_(
        "Protect one with `holdfast vm protect NAME`, or name what is to be backed up: --vm NAME."
    )
    exit_status = Exit.USAGE


class VmNotProtected(HoldfastError):
    code = "vm-not-protected"
    sentence = N_("{about} is not protected from here")
    remedy = N_("`holdfast vm list` shows which machines are; nothing needs to be undone.")


class VmProtectionUnreadable(HoldfastError):
    code = "vm-protection-unreadable"
    sentence = N_("What is kept about a protected machine cannot be read: {file}: {reason}")
    remedy = N_("Put the file aside and protect the machine again: `holdfast vm protect NAME`.")
    exit_status = Exit.DAMAGE
