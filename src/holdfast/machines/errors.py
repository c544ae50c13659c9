"""What can be wrong with a point of a virtual machine, or with a disk that is read or written."""

import errno

from holdfast.base.errors import Exit, HoldfastError, Retry
from holdfast.base.texts import N_

_CHECK = N_("Run `holdfast check` to learn what is damaged, then choose another recovery point.")


class NotAMachinePoint(HoldfastError):
    code = "not-a-vm-point"
    sentence = N_("The recovery point {point} holds no virtual machine")
    remedy = N_("Run `holdfast points` and choose a point of a virtual machine.")
    exit_status = Exit.USAGE


class PointFactsBroken(HoldfastError):
    code = "vm-point-broken"
    sentence = N_("The facts of the recovery point {point} cannot be read: {reason}")
    remedy = _CHECK
    exit_status = Exit.DAMAGE


class PointFactsNewer(HoldfastError):
    code = "vm-point-newer"
    sentence = N_("The recovery point {point} was written by a newer Holdfast (version {version})")
    remedy = N_("Update Holdfast on this machine, then run the same command again.")


class DiskMissing(HoldfastError):
    code = "point-disk-missing"
    sentence = N_("The recovery point {point} has no disk {disk}, it has {known}")
    remedy = N_("Name one of the disks that are there.")
    exit_status = Exit.USAGE


class DiskLayoutBroken(HoldfastError):
    code = "point-disk-layout"
    sentence = N_("The disk {disk} of the recovery point {point} cannot be put together: {reason}")
    remedy = _CHECK
    exit_status = Exit.DAMAGE


class NameUnusable(HoldfastError):
    code = "vm-name-unusable"
    sentence = N_("{name} cannot be the name of a virtual machine or a disk in a recovery point")
    remedy = N_("Give it a name without a slash that is neither empty, a dot, nor two dots.")
    exit_status = Exit.USAGE


class ImageUnreadable(HoldfastError):
    code = "vm-image-unreadable"
    sentence = N_("The disk image {path} cannot be read: {reason}")
    remedy = N_("Look at the disk below it with `dmesg`, and at who may read the image.")
    retry = Retry.LATER


class ImageShort(HoldfastError):
    code = "vm-image-short"
    sentence = N_("The disk image {path} ends at {end}, {wanted} bytes were expected")
    remedy = N_("Let nothing resize the image while it is read, then run the same command again.")
    retry = Retry.LATER


class ImageExists(HoldfastError):
    code = "vm-image-exists"
    sentence = N_("There already is something at {path}")
    remedy = N_("Name another place, or restore onto that disk in place.")
    exit_status = Exit.USAGE


class ImageSizeDiffers(HoldfastError):
    code = "vm-image-size"
    sentence = N_("{path} has {size} bytes, the disk in the recovery point has {wanted}")
    remedy = N_("Resize it with `qemu-img resize`, or restore to a new image.")


class ImageFull(HoldfastError):
    code = "vm-image-full"
    sentence = N_("There is no room left for {path}: {reason}")
    remedy = N_("Free space there, then run the same command again.")
    retry = Retry.LATER


class ImageUnwritable(HoldfastError):
    code = "vm-image-unwritable"
    sentence = N_("{path} cannot be written: {reason}")
    remedy = N_("Look at the disk below it with `dmesg`, and at who may write there.")
    retry = Retry.LATER


_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def unwritable(path: str, err: OSError) -> HoldfastError:
    """What an error of the kernel means to whoever restores."""
    if err.errno in _NO_ROOM:
        return ImageFull(path=path, reason=err.strerror)
    if err.errno == errno.EEXIST:
        return ImageExists(path=path)
    return ImageUnwritable(path=path, reason=err.strerror)
