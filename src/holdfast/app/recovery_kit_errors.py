"""What can be wrong with a recovery kit."""

from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.texts import N_


class KitUnreadable(HoldfastError):
    code = "kit-unreadable"
    sentence = N_("{file} is no whole recovery kit: {reason}")
    remedy = N_(
        "Take another copy of it, or go on without: `holdfast failover status` on the host that has "
        "the replicas shows what can be started there."
    )
    exit_status = Exit.DAMAGE


class KitNewer(HoldfastError):
    code = "kit-newer"
    sentence = N_("{file} was written by a newer version of this program (version {version})")
    remedy = N_("Use that version. What lies on the hosts is not touched by a kit.")


class KitFolderNotEmpty(HoldfastError):
    code = "kit-folder-not-empty"
    sentence = N_("There is something in {folder} already")
    remedy = N_("Name a folder that is empty, or not there yet.")
    exit_status = Exit.USAGE


class KitFolderUnusable(HoldfastError):
    code = "kit-folder-unusable"
    sentence = N_("The kit cannot be unpacked into {folder}: {reason}")
    remedy = N_("Name another folder, on a disk with room for it.")


class KitOfNothing(HoldfastError):
    code = "kit-of-nothing"
    sentence = N_("There is neither a server's state nor a site on this machine to make a kit of")
    remedy = N_(
        "Make it on the server, or on a host that has replicas, with the HOLDFAST_HOME that those "
        "run with."
    )
    exit_status = Exit.USAGE
