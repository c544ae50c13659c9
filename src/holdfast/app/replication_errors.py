"""What keeps a machine from being replicated, each with a remedy."""

from holdfast.base.errors import Exit, HoldfastError, Retry
from holdfast.base.texts import N_


class ReplicationNotEnabled(HoldfastError):
    code = "replication-not-enabled"
    sentence = N_("{about} is not replicated from here")
    remedy = N_(
        "`holdfast replication status` shows which machines are; "
        "`holdfast replication enable {about} --to SITE` begins it."
    )
    exit_status = Exit.USAGE


class ReplicationElsewhere(HoldfastError):
    code = "replication-elsewhere"
    sentence = N_("{about} is replicated to {site} already, and {wanted} is another site")
    remedy = N_("End that first: `holdfast replication disable {about}`.")
    exit_status = Exit.DECIDE


class SiteUnknown(HoldfastError):
    code = "site-unknown"
    sentence = N_("No site {site} is known here; there are: {known}")
    remedy = N_(
        "On the site: `holdfast replication admit THIS-HOST --address HOST`; bring the file here, "
        "then: `holdfast replication join FILE`. A registered host learns sites from its server."
    )
    exit_status = Exit.USAGE


class SiteFileUnreadable(HoldfastError):
    code = "site-file-unreadable"
    sentence = N_("{file} does not lead to a site: {reason}")
    remedy = N_("Have it made anew on the site: `holdfast replication admit THIS-HOST`.")


class SourceNameBad(HoldfastError):
    """It becomes the name of a file."""

    code = "source-name-bad"
    sentence = N_("{name!r} cannot be the name of a source")
    remedy = N_("Take letters, digits, dots and dashes, as in the name of a host.")
    exit_status = Exit.USAGE


class SiteNotSet(HoldfastError):
    code = "site-not-set"
    sentence = N_("This host is no site yet: nothing says where replicas are to lie")
    remedy = N_(
        "Say so once: `holdfast replication serve --folder FOLDER`; "
        "a registered host is told by its server: `holdfast site add`."
    )
    exit_status = Exit.USAGE


class ReplicationRuns(HoldfastError):
    """Two of them would do every step twice."""

    code = "replication-runs"
    sentence = N_("`holdfast replication {work}` is at work already, as process {pid}")
    remedy = N_("Nothing needs to be done; `holdfast replication status` says how it goes.")
    exit_status = Exit.LOCKED


class ReplicationNotPossible(HoldfastError):
    code = "replication-not-possible"
    sentence = N_("{about} cannot be replicated: {reason}")
    remedy = N_("`holdfast vm status {about}` shows each disk, and what can be done.")


class SpoolTooSmall(HoldfastError):
    """A cycle is read to the spool first, so that a slow link never holds up the machine."""

    code = "replication-spool-small"
    sentence = N_("{folder} has {free} free, and {about} may need {needed} there")
    remedy = N_(
        "Make room there, or let the home be on a larger disk (HOLDFAST_HOME); then run the same "
        "command again."
    )
    retry = Retry.LATER


class SpoolNotWritable(HoldfastError):
    code = "replication-spool-not-writable"
    sentence = N_("Change logs cannot be written to {folder}: {reason}")
    remedy = N_("Run it as root, or as the user that the agent has.")


class SiteNameUnresolved(HoldfastError):
    code = "site-name-unresolved"
    sentence = N_("The name of site {site}, {host}, has no address: {reason}")
    remedy = N_("`getent hosts {host}` must answer; mend DNS or /etc/hosts.")
    retry = Retry.LATER


class WayBackBarred(HoldfastError):
    """Found on the way there, because on the day of the disaster it is too late."""

    code = "replication-way-back-barred"
    sentence = N_("Nothing could be brought back to where {about} lies: {reason}")
    remedy = N_("Make that place writable, or agree to it: --one-way.")
    exit_status = Exit.DECIDE


class InitialCopyStopped(HoldfastError):
    """What is copied stays; it goes on from there."""

    code = "replication-initial-copy-stopped"
    sentence = N_("The first copy of {about} came to {done} and stopped: {reason}")
    remedy = N_("Mend that, then run the same command again: it goes on from there.")
    retry = Retry.LATER


class ReplicationNoteUnreadable(HoldfastError):
    code = "replication-note-unreadable"
    sentence = N_("What is kept about a replication cannot be read: {file}: {reason}")
    remedy = N_(
        "Put the file aside and enable it again: `holdfast replication enable VM --to SITE`."
    )
    exit_status = Exit.DAMAGE
