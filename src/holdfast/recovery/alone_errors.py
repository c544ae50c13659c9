"""Why a machine that has moved for good still stands on layers of its replica."""

from holdfast.base.errors import HoldfastError, Retry
from holdfast.base.texts import N_


class AloneStuck(HoldfastError):
    """The machine reads what it wrote, from all its images, as before."""

    code = "migration-disk-stuck"
    sentence = N_("Disk {disk} of {about} still stands on layers of its replica: {reason}")
    remedy = N_(
        "Nothing is lost, and the machine goes on as it is. Look at the free space there, at "
        "`virsh blockjob {about} {disk} --info`, and at its log in /var/log/libvirt/qemu; then run "
        "the same command again."
    )
    retry = Retry.LATER


class AloneWithoutRoom(HoldfastError):
    code = "migration-no-room"
    sentence = N_(
        "{folder} has {free} free; for {about} to stand on its own there it takes {needed}"
    )
    remedy = N_(
        "Make room there, then run the same command again. Until then the machine runs on the "
        "layers of its replica, and nothing is lost."
    )
    retry = Retry.LATER
