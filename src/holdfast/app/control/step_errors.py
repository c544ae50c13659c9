"""What a dangerous act still lacks: the security PIN, or a second person's word."""

from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.texts import N_


class PinNeeded(HoldfastError):
    code = "pin-needed"
    sentence = N_("'{act}' needs the security PIN")
    remedy = N_("Get one with `holdfast server pin` and give it within five minutes: `--pin PIN`.")
    exit_status = Exit.DECIDE


class PinWrong(HoldfastError):
    """The same words for wrong, expired and void: a guesser learns nothing."""

    code = "pin-wrong"
    sentence = N_("The security PIN is wrong, or no longer good")
    remedy = N_("Get a new one with `holdfast server pin`.")


class ApprovalNeeded(HoldfastError):
    code = "approval-needed"
    sentence = N_("'{act}' needs the approval of a second person")
    remedy = N_(
        "Ask for it, let somebody else run `holdfast server approvals approve ID`, "
        "then do the same again with `--approval ID`."
    )
    exit_status = Exit.DECIDE


class ApprovalNotGood(HoldfastError):
    code = "approval-not-good"
    sentence = N_("The approval {id} does not allow this: {reason}")
    remedy = N_("See `holdfast server approvals`, and ask for another one.")
    exit_status = Exit.DECIDE


class ApprovalDecided(HoldfastError):
    code = "approval-decided"
    sentence = N_("The approval {id} can no longer be decided: {reason}")
    remedy = N_("Let the act be asked for again.")


class ApprovalOwn(HoldfastError):
    code = "approval-own"
    sentence = N_("{actor} asked for the approval {id}, so somebody else has to decide it")
    remedy = N_("Ask another contributor of the vault.")
