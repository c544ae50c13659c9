"""What a vault refuses: to lie where it cannot, to lose protection, to be deleted too soon."""

from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.texts import N_


class LocationNotUsable(HoldfastError):
    code = "vault-location-not-usable"
    sentence = N_("A vault cannot be made at {location}: {reason}")
    remedy = N_("See that the place is there and that the server's user may write to it: {advice}")
    exit_status = Exit.FAILED


class LocationTaken(HoldfastError):
    code = "vault-location-taken"
    sentence = N_("{location} already holds {what}")
    remedy = N_("Choose an empty place of its own for the vault.")


class VaultInUse(HoldfastError):
    code = "vault-in-use"
    sentence = N_("The vault {vault} still has {count} {what}")
    remedy = N_(
        "Unregister its machines first (`holdfast vault machines {vault}`), "
        "and wait until what was deleted softly is purged."
    )


class VaultKept(HoldfastError):
    code = "vault-cannot-come-back"
    sentence = N_("The vault {vault} cannot be undeleted: {reason}")
    remedy = N_("See `holdfast vault list --deleted`.")


class ProtectionLocked(HoldfastError):
    """Some protections are made so that nobody can take them back."""

    code = "protection-locked"
    sentence = N_("{setting} of the vault {vault} cannot be changed from {old} to {new}: {reason}")
    remedy = N_("Make another vault with the settings wanted; this one stays as it was promised.")
    exit_status = Exit.DECIDE


class VaultSettingWrong(HoldfastError):
    code = "vault-setting-wrong"
    sentence = N_("{setting} of a vault cannot be {value}: {reason}")
    remedy = N_("Give another value.")
    exit_status = Exit.USAGE
