"""What can keep the changes of a machine from being taken at its source."""

from holdfast.base.errors import Exit, HoldfastError, Retry
from holdfast.base.texts import N_


class SourceNotThere(HoldfastError):
    """Somebody undefined it, or it lives on a host that is not ours; nothing is destroyed."""

    code = "replication-source-gone"
    sentence = N_("{about} is not on this host any more: {reason}")
    remedy = N_(
        "Register the host it lives on now, and its replication goes on there; if the machine is "
        "gone for good, `holdfast replication disable {about} --keep-replica` keeps its points."
    )
    retry = Retry.LATER


class HostNotRegistered(HoldfastError):
    code = "replication-host-not-registered"
    sentence = N_("{about} has moved to another host, and none of those known has it")
    remedy = N_("Run `holdfast register` on that host; its replication goes on there by itself.")
    retry = Retry.LATER


class ReplicaAnswerOdd(HoldfastError):
    """An ack for another log than the one that was sent; it is not believed."""

    code = "replica-answer-odd"
    sentence = N_("The site {site} acknowledged {found} where {wanted} was sent")
    remedy = N_("Update Holdfast at both sites, then run `holdfast replication resync` for it.")


class WalkBroken(HoldfastError):
    """What it was relative to is gone, so it begins anew."""

    code = "replication-walk-broken"
    sentence = N_("The comparison of {about} must begin anew: {reason}")
    remedy = N_("Nothing needs to be done: it begins by itself.")
    retry = Retry.NOW


class SiteAway(HoldfastError):
    """Something must be compared with the replica, and nobody there can be asked."""

    code = "replication-site-away"
    sentence = N_("{about} cannot be compared with its replica while {site} does not answer")
    remedy = N_("It goes on when the site answers; `holdfast replication status {about}` shows it.")
    retry = Retry.LATER


class SourceFolderBroken(HoldfastError):
    code = "replication-folder-broken"
    sentence = N_("{path} cannot be read: {reason}")
    remedy = N_("Look at the storage it lies on with `dmesg`, and at who may read it.")
    exit_status = Exit.DAMAGE
    retry = Retry.LATER


class SettingsUnreadable(HoldfastError):
    """One machine's; the others of this host are followed."""

    code = "replication-settings-unreadable"
    sentence = N_("How {about} is to be replicated cannot be read from {path}")
    remedy = N_(
        "It was damaged, or written by a newer release, which can be installed again. Otherwise "
        "enable it anew: `holdfast replication enable {about} --to SITE`."
    )
    exit_status = Exit.DAMAGE
