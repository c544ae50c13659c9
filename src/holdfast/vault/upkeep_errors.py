"""What can go wrong while a vault is kept in order."""

from holdfast.base.errors import Exit, HoldfastError, Retry
from holdfast.base.texts import N_


class PruneRefused(HoldfastError):
    """Something a recovery point needs is missing or damaged: nobody knows what may go."""

    code = "prune-refused"
    sentence = N_("Nothing was deleted from {place}, because it is damaged: {reason}")
    remedy = N_("Run `holdfast check`, then `holdfast vault repair`, then prune again.")
    exit_status = Exit.DAMAGE


class PruneOvertaken(HoldfastError):
    code = "prune-overtaken"
    sentence = N_("Somebody else pruned {place} at the same time; nothing was deleted by us")
    remedy = N_("Run `holdfast prune` again if space is still to be freed.")
    retry = Retry.NOW


class LockRefused(HoldfastError):
    """A check takes a lock so that nobody prunes meanwhile; here it may only read."""

    code = "lock-refused"
    sentence = N_("{place} takes no lock from us: {reason}")
    remedy = N_("To check with read access alone, add --no-lock, and let nobody prune meanwhile.")


class PassphraseMissing(HoldfastError):
    code = "passphrase-missing"
    sentence = N_("No passphrase of {place} has an id that begins with {wanted}")
    remedy = N_("Run `holdfast passphrase list` to see which there are.")


class PassphraseAmbiguous(HoldfastError):
    code = "passphrase-ambiguous"
    sentence = N_("{wanted} is the beginning of the ids of {count} passphrases")
    remedy = N_("Give more digits of the id; `holdfast passphrase list` shows them.")
    exit_status = Exit.USAGE


class PassphraseUnproven(HoldfastError):
    code = "passphrase-unproven"
    sentence = N_("The new passphrase does not open {place}; the old one was kept")
    remedy = N_("Check the storage with `holdfast check`, then change the passphrase again.")
    exit_status = Exit.DAMAGE


class FormerPassphraseStays(HoldfastError):
    code = "former-passphrase-stays"
    sentence = N_(
        "The new passphrase holds, and the former one ({id}) could not be removed: {reason}"
    )
    remedy = N_("Remove it later with `holdfast passphrase remove {id}`.")
    exit_status = Exit.WARNINGS


class RuleNotUnderstood(HoldfastError):
    code = "retention-rule"
    sentence = N_("{rule} is no retention rule: {reason}")
    remedy = N_('Write for example 7, "4 on sat", "12 on last sat" or "10 on last sat of march".')
    exit_status = Exit.USAGE
