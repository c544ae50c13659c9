"""What stops a restore as a whole; what stops one item only is a problem in the report."""

import errno

from holdfast.base.errors import HoldfastError
from holdfast.base.texts import N_


class TargetFull(HoldfastError):
    code = "target-full"
    sentence = N_("There is no room left in {target}: {reason}")
    remedy = N_(
        "Free space there, then run the same command again: what is restored already is "
        "compared and not written again."
    )


class TargetTooSmall(HoldfastError):
    code = "target-too-small"
    sentence = N_("{target} has {free} free, about {needed} more are needed")
    remedy = N_("Free space there, name another --to, or restore a part with --include.")


class TargetReadOnly(HoldfastError):
    code = "target-read-only"
    sentence = N_("{target} is on a read-only file system")
    remedy = N_("Remount it with `mount -o remount,rw`, or name another --to.")


class TargetBusy(HoldfastError):
    code = "target-busy"
    sentence = N_("Another restore is writing to {target}")
    remedy = N_("Wait until it ends, or name another --to.")


class TargetUnusable(HoldfastError):
    code = "target-unusable"
    sentence = N_("{target} cannot be used as target: {reason}")
    remedy = N_("Name a folder with --to that you may write to; it is made if it is missing.")


class SubpathMissing(HoldfastError):
    code = "subpath-missing"
    sentence = N_("The recovery point {point} has no {path}")
    remedy = N_("Run `holdfast points ls {point}` to see what it holds.")


_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def raise_if_fatal(err: OSError, target: bytes) -> None:
    """Errors that every further item would meet as well."""
    shown = target.decode(errors="backslashreplace")
    if err.errno in _NO_ROOM:
        raise TargetFull(target=shown, reason=err.strerror) from err
    if err.errno == errno.EROFS:
        raise TargetReadOnly(target=shown) from err
