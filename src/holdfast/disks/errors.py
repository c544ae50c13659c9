"""What can go wrong with disks, their images and those who serve them."""

from holdfast.base.errors import Exit, HoldfastError, Retry
from holdfast.base.texts import N_


class DiskServerUnreachable(HoldfastError):
    code = "disk-server-unreachable"
    sentence = N_("Nobody serves a disk at {place}: {reason}")
    remedy = N_("See whether the machine or its host was stopped, then run the same command again.")
    retry = Retry.LATER


class DiskConnectionLost(HoldfastError):
    code = "disk-connection-lost"
    sentence = N_("The connection to the disk at {place} was lost: {reason}")
    remedy = N_("See whether the machine or its host was stopped, then run the same command again.")
    retry = Retry.LATER


class DiskServerSilent(HoldfastError):
    code = "disk-server-silent"
    sentence = N_("The disk at {place} did not answer for {seconds} seconds")
    remedy = N_(
        "Look at the storage below it with `dmesg` on its host, then run the same command again."
    )
    retry = Retry.LATER


class DiskReplyMalformed(HoldfastError):
    code = "disk-reply-malformed"
    sentence = N_("What serves the disk at {place} broke the rules of NBD: {reason}")
    remedy = N_("See that the address is that of an NBD server and update that program.")


class DiskExportMissing(HoldfastError):
    code = "disk-export-missing"
    sentence = N_("{place} serves no disk {export}: {reason}")
    remedy = N_(
        "See which disks it serves: `nbdinfo --list nbd://{place}`, "
        "or for a socket `nbdinfo --list 'nbd+unix:///?socket={place}'`."
    )


class DiskExportRefused(HoldfastError):
    code = "disk-export-refused"
    sentence = N_("{place} does not let us have the disk {export}: {reason}")
    remedy = N_("See what that server demands of its clients, for example TLS, and allow this one.")


class DiskContextMissing(HoldfastError):
    code = "disk-context-missing"
    sentence = N_("{place} does not offer {context} for the disk {export}")
    remedy = N_("If it is a bitmap, it is gone: the next backup has to read the whole disk.")


class DiskRequestFailed(HoldfastError):
    code = "disk-request-failed"
    sentence = N_("The disk at {place} answers {action} of {length} bytes at {offset}: {reason}")
    remedy = N_("Look at the storage below it with `dmesg` on its host.")


class DiskTargetFull(HoldfastError):
    code = "disk-target-full"
    sentence = N_("There is no room for {length} bytes at {offset} of the disk at {place}")
    remedy = N_("Free space where its image lies, then run the same command again.")
    retry = Retry.LATER


class DiskRequestMisaligned(HoldfastError):
    code = "disk-request-misaligned"
    sentence = N_("{length} bytes at {offset} are not whole blocks of {block} bytes at {place}")
    remedy = N_("Please report it: requests are made to fit the blocks of a disk.")


class DiskRequestOutside(HoldfastError):
    code = "disk-request-outside"
    sentence = N_("{length} bytes at {offset} are not within the {size} bytes at {place}")
    remedy = N_("See whether the disk was made smaller since, then start again from its new size.")


class DiskReadOnly(HoldfastError):
    code = "disk-read-only"
    sentence = N_("The disk at {place} may only be read")
    remedy = N_("Serve it writable, or choose another disk to write to.")


class DiskNotServed(HoldfastError):
    code = "disk-not-served"
    sentence = N_("The disk cannot be served at {place}: {reason}")
    remedy = N_("Correct what the reason names, then run the same command again.")


class DiskServerEnded(HoldfastError):
    code = "disk-server-ended"
    sentence = N_("{program} did not begin to serve {image}: {said}")
    remedy = N_("Correct what it says, then run the same command again.")


class BitmapMissing(HoldfastError):
    code = "bitmap-missing"
    sentence = N_("The image {image} has no bitmap {bitmap}")
    remedy = N_("What has changed is not known any more: the next backup has to read all of it.")


class BitmapUnusable(HoldfastError):
    """Its writer was killed, so what it says is not all that was changed."""

    code = "bitmap-unusable"
    sentence = N_("The bitmap {bitmap} of the image {image} was not closed in order")
    remedy = N_("What has changed is not known any more: the next backup has to read all of it.")


class ImageMissing(HoldfastError):
    code = "image-missing"
    sentence = N_("There is no disk image {image}")
    remedy = N_("Mount what it lies on, or correct its name.")


class ImageInUse(HoldfastError):
    code = "image-in-use"
    sentence = N_("Another program has the disk image {image} open")
    remedy = N_("Stop the machine it belongs to, or wait for the other program.")
    retry = Retry.LATER


class ImageUnreadable(HoldfastError):
    code = "image-unreadable"
    sentence = N_("The disk image {image} cannot be read: {reason}")
    remedy = N_("See with `qemu-img check {image}` whether it is damaged.")
    exit_status = Exit.DAMAGE


class ImageToolFailed(HoldfastError):
    code = "image-tool-failed"
    sentence = N_("{program} {action} of the disk image {image} ended with status {status}: {said}")
    remedy = N_("Correct what it says, then run the same command again.")
