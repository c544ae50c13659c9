"""What can go wrong with an agent itself."""

from holdfast.base.errors import Exit, HoldfastError, Retry
from holdfast.base.texts import N_


class JournalUnusable(HoldfastError):
    """The agent goes on without it, and says so: a backup matters more than its record."""

    code = "journal-unusable"
    sentence = N_("The agent cannot keep its journal {file}: {reason}")
    remedy = N_(
        "Free space there or repair the disk. Jobs run meanwhile, but what was not written down "
        "is forgotten when the agent is started anew."
    )
    retry = Retry.LATER


class AgentRunning(HoldfastError):
    code = "agent-running"
    sentence = N_("Another agent already works for {folder}")
    remedy = N_("Let that one work, or stop it first: `systemctl stop holdfast-agent`.")
    exit_status = Exit.LOCKED
    retry = Retry.LATER


class ArgumentsNotUnderstood(HoldfastError):
    code = "arguments-not-understood"
    sentence = N_("A job '{kind}' was asked for with something this agent does not know: {reason}")
    remedy = N_("Update the agent on this machine, or ask for the job without it.")


class CertificateNotAccepted(HoldfastError):
    """Schedules go on from what is known; only the server will not hear of it."""

    code = "certificate-not-accepted"
    sentence = N_("The server {server} does not accept this machine's certificate: {reason}")
    remedy = N_(
        "It was revoked or has expired. Ask for credentials of the vault and register again: "
        "`holdfast register --credentials FILE`; the history stays."
    )


class ServerRefused(HoldfastError):
    code = "server-refused"
    sentence = N_("The server refuses {what}: {reason} ({said})")
    remedy = N_("{advice}")


class AnswerLate(HoldfastError):
    code = "answer-late"
    sentence = N_("The look into the recovery point took more than {seconds} seconds, or ended")
    remedy = N_(
        "Ask once more; if it stays so, `holdfast points ls POINT` on the machine says why."
    )
    retry = Retry.LATER


class TooManyLooks(HoldfastError):
    code = "too-many-looks"
    sentence = N_("This machine already looks into {count} repositories for other people")
    remedy = N_("Ask again in some minutes.")
    retry = Retry.LATER
