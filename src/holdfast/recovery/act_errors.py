"""Why an act of recovery is not begun now, each with what to type instead."""

from holdfast.base.errors import Exit, HoldfastError, Retry
from holdfast.base.texts import N_


class ActRuns(HoldfastError):
    code = "recovery-act-runs"
    sentence = N_("The {work} of {about} is at work already, as process {pid}, for {age}")
    remedy = N_("Watch it: `holdfast failover status {about} --watch`.")
    exit_status = Exit.LOCKED
    retry = Retry.LATER


class StepHadNoEffect(HoldfastError):
    """Said by the world after the step, so whatever the step believed is wrong."""

    code = "recovery-step-had-no-effect"
    sentence = N_("The step {step} was taken, and what it was to bring about is not there")
    remedy = N_("Run the same command again: it looks anew, and goes on from there.")
    retry = Retry.NOW


class ActUnderWay(HoldfastError):
    code = "recovery-act-under-way"
    sentence = N_("{about} is in the middle of {under_way}, begun by {who}")
    remedy = N_(
        "Go on with it by the same command again: `{again}`; "
        "or take it back: `holdfast failover undo {about}`."
    )
    exit_status = Exit.DECIDE


class ActMustGoOn(HoldfastError):
    """Taking it back would not be safe any more, going on is."""

    code = "recovery-act-must-go-on"
    sentence = N_("{about} is in the middle of {under_way}, which cannot be taken back any more")
    remedy = N_("Go on with it by the same command again: `{again}`.")
    exit_status = Exit.DECIDE


class NotFailedOver(HoldfastError):
    code = "recovery-not-failed-over"
    sentence = N_("{about} was not failed over to this host: there is nothing here for {wish}")
    remedy = N_(
        "`holdfast failover status {about}` says where it runs; try the replica first with "
        "`holdfast failover {about} --test`."
    )
    exit_status = Exit.USAGE


class AlreadyHere(HoldfastError):
    code = "recovery-already-here"
    sentence = N_("{about} was failed over to this host already, and runs by epoch {epoch}")
    remedy = N_(
        "Choose another point: `holdfast failover change-point {about}`; keep it as it is: "
        "`holdfast commit {about}`; or take it back: `holdfast failover undo {about}`."
    )
    exit_status = Exit.USAGE


class AlreadyCommitted(HoldfastError):
    code = "recovery-already-committed"
    sentence = N_("{about} was committed to this host: its other points are gone")
    remedy = N_(
        "Bring it home with the changes made here: `holdfast reprotect {about}`, then `holdfast failback {about}` at its home."
    )
    exit_status = Exit.USAGE


class AlreadyProtectedInReverse(HoldfastError):
    code = "recovery-already-in-reverse"
    sentence = N_("{about} is protected in reverse already: its home follows what it does here")
    remedy = N_("At its home: `holdfast failback {about}`.")
    exit_status = Exit.USAGE


class ReprotectFirst(HoldfastError):
    code = "recovery-reprotect-first"
    sentence = N_("Nothing of what {about} does at the other host has come back here yet")
    remedy = N_("At the host where it runs: `holdfast reprotect {about}`; then run this again.")
    exit_status = Exit.USAGE


class FailBackInstead(HoldfastError):
    code = "recovery-fail-back-instead"
    sentence = N_("{about} is at home on this host, and runs at the other one in good order")
    remedy = N_("Bring it back without loss: `holdfast failback {about}`.")
    exit_status = Exit.USAGE


class RunsAtHome(HoldfastError):
    code = "recovery-runs-at-home"
    sentence = N_("{about} runs on this host as ever; it is failed over at its site")
    remedy = N_("At the site: `holdfast failover {about} --planned`.")
    exit_status = Exit.USAGE


class RunsElsewhere(HoldfastError):
    code = "recovery-runs-elsewhere"
    sentence = N_("{about} runs at the other host by epoch {epoch}: {wish} is not for this one")
    remedy = N_(
        "Run the same command at the host where it runs, or look: `holdfast failover status {about}`."
    )
    exit_status = Exit.USAGE


class Migrated(HoldfastError):
    code = "recovery-migrated"
    sentence = N_("{about} has moved to this host for good: its migration was completed")
    remedy = N_(
        "It is a machine of this host as any other; protect it anew: "
        "`holdfast replication enable {about} --to SITE`."
    )
    exit_status = Exit.USAGE


class NoReplicaHere(HoldfastError):
    code = "recovery-no-replica-here"
    sentence = N_("This host has no replica of {about}, and has never had it")
    remedy = N_(
        "Run it at the site that has one. `holdfast failover status` shows the machines known "
        "here; on its own host `holdfast replication status` names its site."
    )
    exit_status = Exit.USAGE


class SourceMayRun(HoldfastError):
    """The one question that no program can answer for a person."""

    code = "recovery-source-may-run"
    sentence = N_("{about} may be running at its own host: {seen}")
    remedy = N_(
        "If that host works, nothing is lost with `holdfast failover {about} --planned`; if nobody "
        "knows, let it be asked: --try-shut-down, and --force switches the machine off there. Else "
        "see to it that it runs there no more (cut its power), and say so: --source-is-down."
    )
    exit_status = Exit.DECIDE


class ChangesWouldGo(HoldfastError):
    code = "recovery-changes-would-go"
    sentence = N_(
        "What {about} has written here since {since:%Y-%m-%d %H:%M} would be lost: {size}"
    )
    remedy = N_("Keep it: `holdfast commit {about}`; or agree to the loss: --discard-changes.")
    exit_status = Exit.DECIDE


class WayBackWouldClose(HoldfastError):
    code = "recovery-way-back-would-close"
    sentence = N_("When the migration of {about} is completed it cannot be failed back any more")
    remedy = N_("Commit without that: `holdfast commit {about}`; or agree to it: --yes.")
    exit_status = Exit.DECIDE


class PointUnknown(HoldfastError):
    code = "recovery-point-unknown"
    sentence = N_("{about} has no point {wish} here")
    remedy = N_(
        "`holdfast failover points {about}` lists them; --point takes latest, latest-app, "
        "latest-tested, the beginning of a point's name, or a time."
    )
    exit_status = Exit.USAGE


class PointAmbiguous(HoldfastError):
    code = "recovery-point-ambiguous"
    sentence = N_("{count} points of {about} begin with {wish}")
    remedy = N_("Give more of the name: `holdfast failover points {about}`.")
    exit_status = Exit.USAGE


class NameOfSeveral(HoldfastError):
    code = "recovery-name-of-several"
    sentence = N_("Several machines known here are called {about}: {uuids}")
    remedy = N_("Say its UUID in place of its name.")
    exit_status = Exit.USAGE


class PointWasChosen(HoldfastError):
    code = "recovery-point-was-chosen"
    sentence = N_(
        "The {under_way} of {about} that is under way has its point: {chosen}, not {wish}"
    )
    remedy = N_(
        "Go on with it by the same command without --point; or take it back first: "
        "`holdfast failover undo {about}`."
    )
    exit_status = Exit.USAGE


class MachineEnded(HoldfastError):
    code = "recovery-machine-ended"
    sentence = N_("{about} was started from its point, and does not run any more")
    remedy = N_(
        "Run the same command again to start it once more; or choose an older point: "
        "`holdfast failover undo {about}`, then `holdfast failover {about} --unplanned --point TIME`."
    )
    retry = Retry.NOW


class PointNotSaid(HoldfastError):
    code = "recovery-point-not-said"
    sentence = N_("{about} is to be started from another point, and none was said")
    remedy = N_(
        "`holdfast failover points {about}` lists them; then: "
        "`holdfast failover change-point {about} --point POINT`."
    )
    exit_status = Exit.USAGE


class CommitFirst(HoldfastError):
    """Its images at home are whole again only then."""

    code = "recovery-commit-first"
    sentence = N_("{about} is at home again, upon what came back of it, and is not committed yet")
    remedy = N_("Keep it: `holdfast commit {about}`; then `holdfast reprotect {about}`.")
    exit_status = Exit.USAGE
