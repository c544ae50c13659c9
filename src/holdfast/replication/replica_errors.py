"""What can keep a site from taking in a replica, or from giving one out."""

from holdfast.base.errors import Exit, HoldfastError, Retry
from holdfast.base.texts import N_


class ReplicaMissing(HoldfastError):
    code = "replica-missing"
    sentence = N_("There is no replica of the machine {vm} here")
    remedy = N_("Replicate the machine with `holdfast replication enable`, on the host it runs on.")


class ReplicaNameBad(HoldfastError):
    """It would become the name of a file."""

    code = "replica-name-bad"
    sentence = N_("{name} cannot be the name of a replica, a disk or a log")
    remedy = N_("Please report it: such a name comes from no sound source.")


class ReplicaRangeBad(HoldfastError):
    code = "replica-range-bad"
    sentence = N_("There are no hashes of {length} bytes at {start} in chunks of {chunk}")
    remedy = N_("Please report it: such a range is asked for by no sound source.")


class ReplicaOfAnother(HoldfastError):
    code = "replica-of-another"
    sentence = N_("The replica of {about} is written by the machine {source}, not by {asked}")
    remedy = N_(
        "See which host the machine runs on. If it moved, remove the replication on the old host "
        "first: `holdfast replication disable {about}`."
    )
    exit_status = Exit.DECIDE


class ReplicaThere(HoldfastError):
    code = "replica-there"
    sentence = N_("There is a replica of {about} in {site} already")
    remedy = N_(
        "End that replication first, with `holdfast replication disable {about}` on the host it "
        "runs on; or leave the removed one until it goes by itself."
    )
    exit_status = Exit.DECIDE


class ReplicaNotAway(HoldfastError):
    code = "replica-not-kept"
    sentence = N_("No replica of {about} was removed here that could be had back")
    remedy = N_("`holdfast replication kept-replicas` lists those there are, on the site.")


class ReplicaBusy(HoldfastError):
    code = "replica-busy"
    sentence = N_("Another process has been at work on the replica of {vm} for {seconds} seconds")
    remedy = N_("Wait for its end; it is tried again by itself.")
    exit_status = Exit.LOCKED
    retry = Retry.LATER


class ReplicaBroken(HoldfastError):
    code = "replica-broken"
    sentence = N_("What is known of the replica in {folder} cannot be read: {reason}")
    remedy = N_(
        "Its layers are untouched. Put replica.json back from a copy, or remove the folder and let "
        "`holdfast replication resync` make it again."
    )
    exit_status = Exit.DAMAGE


class ReplicaNewer(HoldfastError):
    code = "replica-newer"
    sentence = N_("The replica in {folder} was written by a newer Holdfast (version {version})")
    remedy = N_("Update Holdfast at this site.")


class ReplicaGenerationUnknown(HoldfastError):
    """The source goes on with what both have, or compares everything."""

    code = "replica-generation-unknown"
    sentence = N_("The replica of {about} is at {head}, and the change log begins at {since}")
    remedy = N_("Nothing was changed. The source compares both sides by itself and goes on.")
    retry = Retry.NOW


class ReplicaSliceUnexpected(HoldfastError):
    code = "replica-slice-unexpected"
    sentence = N_("The walk of {about} is at slice {wanted}, and slice {slice} came")
    remedy = N_("Nothing was changed. The source goes on with the right one by itself.")
    retry = Retry.NOW


class ReplicaWasWritten(HoldfastError):
    """Its change map does not know of that: a delta would make a mixture."""

    code = "replica-was-written"
    sentence = N_("Something has written to {layer}, a layer of the replica of {about}")
    remedy = N_(
        "See which machine uses it, with `virsh domblklist`, and shut that down. Points on that "
        "layer are lost; the source compares both sides by itself and goes on."
    )
    retry = Retry.NOW


class ReplicaPointMissing(HoldfastError):
    code = "replica-point-missing"
    sentence = N_("The replica of {about} has no point {generation}")
    remedy = N_("`holdfast replication status {about}` lists its points.")


class ReplicaPointSpoiled(HoldfastError):
    code = "replica-point-spoiled"
    sentence = N_("Something has written to a layer of the point {generation} of {about}")
    remedy = N_("Choose another point: `holdfast replication status {about}` lists them.")
    exit_status = Exit.DAMAGE


class ReplicaInUse(HoldfastError):
    code = "replica-in-use"
    sentence = N_("The replica of {about} is in use: {who}")
    remedy = N_("End what uses it, for example a test failover, then run the same command again.")
    exit_status = Exit.LOCKED
    retry = Retry.LATER


class NothingToAdopt(HoldfastError):
    code = "nothing-to-adopt"
    sentence = N_("This host has no disks of the machine {vm} that could be gone on with")
    remedy = N_(
        "Replicate the machine to this host anew, with a full copy: `holdfast replication enable`, "
        "on the host it runs on."
    )
    exit_status = Exit.DECIDE


class ReplicaLogMissing(HoldfastError):
    code = "replica-log-missing"
    sentence = N_("The change log {log} of {vm} is not at the site")
    remedy = N_("It is sent again by itself.")
    retry = Retry.NOW


class ReplicaLogGap(HoldfastError):
    code = "replica-log-gap"
    sentence = N_("{present} bytes of the change log {log} are here, and a piece at {offset} came")
    remedy = N_("It goes on by itself from what is here.")
    retry = Retry.NOW


class SiteFull(HoldfastError):
    code = "site-full"
    sentence = N_("{folder} has {free} free, and the replica of {about} needs {needed}")
    remedy = N_(
        "Free space there or keep fewer points; until then changes are recorded at the source, "
        "and it goes on by itself."
    )
    retry = Retry.LATER


class SiteUnusable(HoldfastError):
    code = "site-unusable"
    sentence = N_("Replicas cannot be kept in {path}: {reason}")
    remedy = N_("See that it is mounted, and who may write there.")
    retry = Retry.LATER


class SeedUnusable(HoldfastError):
    code = "seed-unusable"
    sentence = N_("{image} cannot be the beginning of the disk {disk}: {reason}")
    remedy = N_("Name a raw or qcow2 image that lies in {folder}.")
