"""Why a mount does not come about, each with what to do about it."""

from holdfast.base.errors import HoldfastError, Retry
from holdfast.base.texts import N_


class FuseLibraryMissing(HoldfastError):
    code = "fuse-missing"
    sentence = N_("The FUSE library is not installed on this machine: {reason}")
    remedy = N_("Run `apt-get install fuse3`, then run the same command again.")


class FuseToolMissing(HoldfastError):
    code = "fuse-tool-missing"
    sentence = N_("{tool} is not installed, and only root can mount without it")
    remedy = N_("Run `apt-get install fuse3`, then run the same command again.")


class FuseDeviceMissing(HoldfastError):
    code = "fuse-device-missing"
    sentence = N_("{device} does not exist: the kernel has no FUSE at the moment")
    remedy = N_(
        "Run `modprobe fuse`; if there is no such module, install the package with the extra "
        "modules of the running kernel. In a container, start it with --device /dev/fuse "
        "--cap-add SYS_ADMIN."
    )


class FuseDenied(HoldfastError):
    code = "fuse-denied"
    sentence = N_("{device} must not be opened: {reason}")
    remedy = N_(
        "Run the command as root, or give your user access to {device}. In a container, start it "
        "with --device /dev/fuse --cap-add SYS_ADMIN."
    )


class MountpointMissing(HoldfastError):
    code = "mountpoint-missing"
    sentence = N_("{mountpoint} is not a folder one can mount on: {reason}")
    remedy = N_("Run `mkdir -p {mountpoint}`, or name another empty folder.")


class MountpointNotEmpty(HoldfastError):
    code = "mountpoint-not-empty"
    sentence = N_("{mountpoint} is not empty; a mount would hide what lies in it")
    remedy = N_("Name an empty folder.")


class MountpointBusy(HoldfastError):
    code = "mountpoint-busy"
    sentence = N_("A file system of type {kind} is mounted on {mountpoint} already")
    remedy = N_("Run `umount {mountpoint}` if it is not needed, or name another empty folder.")


class MountpointDenied(HoldfastError):
    code = "mountpoint-denied"
    sentence = N_("{mountpoint} cannot be used by this user: {reason}")
    remedy = N_("Name an empty folder of your own, or run the command as root.")


class AllowOtherDenied(HoldfastError):
    code = "mount-allow-other"
    sentence = N_("Only root may let other users see a mount as long as {config} does not allow it")
    remedy = N_("Add the line `user_allow_other` to {config}, or mount without --allow-other.")


class MountRefused(HoldfastError):
    code = "mount-refused"
    sentence = N_("The kernel or the FUSE library refused the mount on {mountpoint}: {reason}")
    remedy = N_(
        "Look at the lines above and at `dmesg`; check that `fusermount3 --version` works. "
        "`holdfast restore` needs no FUSE, on this or any other machine."
    )


class MountTimedOut(HoldfastError):
    code = "mount-timed-out"
    sentence = N_("The mount on {mountpoint} is not ready after {seconds} seconds")
    remedy = N_(
        "Run `umount -l {mountpoint}`, look at `dmesg` for FUSE, then run the same command again. "
        "`holdfast restore` needs no FUSE, on this or any other machine."
    )
    retry = Retry.LATER
