"""Why a source cannot do what its site wants of it; told to the site, which shows it."""

from holdfast.base.errors import Exit, HoldfastError, Retry
from holdfast.base.texts import N_


class SourceNotReady(HoldfastError):
    code = "failover-source-not-ready"
    sentence = N_("The replication of {about} is not at its work there: {state}")
    remedy = N_(
        "On its host: `holdfast replication status {about}` shows the state and what leads out of "
        "it. Then run the same command again."
    )
    retry = Retry.LATER


class SourceTransient(HoldfastError):
    code = "failover-source-transient"
    sentence = N_("{about} has no definition on its host: it would be gone once it is shut down")
    remedy = N_(
        "Define it there: `virsh dumpxml --security-info {about} > {about}.xml && "
        "virsh define {about}.xml`. Then run the same command again."
    )


class SourceMemorySaved(HoldfastError):
    """What the guest had not written yet lies in that memory, and would not come along."""

    code = "failover-source-memory-saved"
    sentence = N_("{about} sleeps on its host with its memory saved, and only its disks would come")
    remedy = N_(
        "Start it there: `virsh start {about}`, then run the same command again: it is shut down as "
        "it should be. With --force its memory is given up, as if its power had been cut."
    )
    exit_status = Exit.DECIDE


class OrderNotKnown(HoldfastError):
    code = "failover-order-not-known"
    sentence = N_("The host of {about} does not know how to do this: {what}")
    remedy = N_("Update Holdfast on that host, then run the same command again.")


class SplitBrain(HoldfastError):
    code = "split-brain"
    sentence = N_(
        "{about} runs at two hosts: on its own and at its site, where it was failed over to. Each "
        "writes to disks of its own"
    )
    remedy = N_(
        "Nothing was ended. Decide which of the two is right, and shut the other one down. If it is "
        "the one at the site, `holdfast reprotect {about}` there compares all of it; if it is the "
        "other, `holdfast failover undo {about}` at the site."
    )
    exit_status = Exit.DECIDE


class StartedByHand(HoldfastError):
    code = "failover-source-started-by-hand"
    sentence = N_("A person has started {about} at its own host while it was being handed over")
    remedy = N_("Take the failover back: `holdfast failover undo {about}`; then begin it anew.")
    exit_status = Exit.DECIDE


class NotStartedByHand(HoldfastError):
    code = "failover-start-not-certain"
    sentence = N_("Whether {about} may be started here is not certain: {reason}")
    remedy = N_(
        "Make the site answer: `holdfast replication serve` there, `holdfast replication run` here; "
        "it starts by itself then. If you know that it runs nowhere else: "
        "`holdfast failover start {about} --force`."
    )
    exit_status = Exit.DECIDE
