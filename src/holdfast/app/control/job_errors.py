"""What can be wrong about jobs, commands and leases."""

from holdfast.base.errors import Exit, HoldfastError, Retry
from holdfast.base.texts import N_


class ArgumentsWrong(HoldfastError):
    code = "job-arguments-wrong"
    sentence = N_("A job '{kind}' cannot be told this: {reason}")
    remedy = N_("See what it takes: docs/howto/jobs.md.")


class NotForMachines(HoldfastError):
    code = "job-not-for-machines"
    sentence = N_("'{kind}' is no work of a machine")
    remedy = N_("Ask for one of: {kinds}.")


class MachineGone(HoldfastError):
    code = "machine-not-active"
    sentence = N_("The machine '{machine}' is {state}, so it takes no jobs")
    remedy = N_("Register it again: `holdfast register --credentials FILE`.")


class JobOver(HoldfastError):
    code = "job-is-over"
    sentence = N_("The job {job} is over: {state}")
    remedy = N_("Ask for it again: `holdfast jobs retry {job}`.")


class JobNotOver(HoldfastError):
    code = "job-not-over"
    sentence = N_("The job {job} is not over yet: {state}")
    remedy = N_("Wait for its end, or stop it: `holdfast jobs cancel {job}`.")


class ReportWrong(HoldfastError):
    code = "job-report-wrong"
    sentence = N_("The report of the job {job} says what no job can: {reason}")
    remedy = N_("Bring agent and server to neighbouring versions.")


class MachineStayedAway(HoldfastError):
    """The offer of a job has expired."""

    code = "machine-stayed-away"
    sentence = N_("'{machine}' did not come for the job before {until}")
    remedy = N_(
        "See whether its agent runs (`holdfast agent status` there) and reaches the server, "
        "then `holdfast jobs retry {job}`."
    )


class MachineSilent(HoldfastError):
    """A running job's machine sends no heartbeats."""

    code = "machine-silent"
    sentence = N_("'{machine}' was not heard of since {since}, and had this job in work")
    remedy = N_(
        "See whether the machine and its agent run; "
        "the job's true end is taken in as soon as it is back."
    )


class JobForgotten(HoldfastError):
    """The machine lives, but its journal was lost with this job in it."""

    code = "job-forgotten"
    sentence = N_("'{machine}' had taken this job, and knows nothing of it any more")
    remedy = N_(
        "Order it again; what its policies have due comes by itself. "
        "Its journal was lost: see whether its disk is full or damaged."
    )


class LeaseHeld(HoldfastError):
    code = "lease-held"
    sentence = N_("The machine deletes already, for '{kind}' ({holder}), until {until} at most")
    remedy = N_("Wait for its end.")
    retry = Retry.LATER


class LeaseOver(HoldfastError):
    code = "lease-over"
    sentence = N_("The lease {lease} is over")
    remedy = N_("Ask for another one.")


class TakenOverTooOften(HoldfastError):
    """Work that seems to bring down each server that does it: begun so often, and never ended."""

    code = "taken-over-too-often"
    sentence = N_(
        "{count} times in a row, this was begun and its server did not live to see the end"
    )
    remedy = N_("See the servers' logs for what ended them, then `holdfast jobs retry {job}`.")


class StoredDamage(HoldfastError):
    """Found without a key: the content of a file no longer fits its name."""

    code = "stored-damage"
    sentence = N_("{count} stored files are not what they were, the first is {first}")
    remedy = N_(
        "See on the machine what is lost and mend it: `holdfast vault repair --read-data`. "
        "Then test the disk below the vault."
    )
    exit_status = Exit.DAMAGE
