"""Why a machine is not, or no longer, one of a vault's machines.

Each root cause has its own code; the number the original products give the event comes with it.
"""

from holdfast.app.control.errors import NotAllowed
from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.texts import N_


class CredentialsDenied(NotAllowed):
    """The cause is the role; a disabled account and a full vault have codes of their own."""

    code = "credentials-denied"
    sentence = N_(
        "{actor} may not download credentials of vault {object}: "
        "the role there lacks the right '{right}'"
    )
    remedy = N_(
        "Ask an administrator for the role operator or contributor: "
        "`holdfast server grant NAME --vault VAULT --role operator`."
    )
    source_codes = ("403",)


class VaultFull(HoldfastError):
    code = "vault-full"
    sentence = N_("Vault {vault} has {count} registered machines; {limit} is the limit")
    remedy = N_(
        "Unregister a machine that is gone, raise the limit with `holdfast vault set`, "
        "or use another vault."
    )
    source_codes = ("403",)


class VaultDeleted(HoldfastError):
    code = "vault-deleted"
    sentence = N_("Vault {vault} was deleted")
    remedy = N_("Bring it back with `holdfast vault undelete`, or use another vault.")


class CredentialsUnknown(HoldfastError):
    code = "credentials-unknown"
    sentence = N_("The server does not know these vault credentials ({credentials})")
    remedy = N_("Download new ones from this very server: `holdfast vault credentials NAME`.")
    source_codes = ("34513",)


class CredentialsSuperseded(HoldfastError):
    code = "credentials-superseded"
    sentence = N_(
        "These vault credentials of vault {vault} (number {serial}) are not the newest: "
        "number {newest} was issued at {issued}"
    )
    remedy = N_("Use the newest file, or download another one: `holdfast vault credentials NAME`.")
    source_codes = ("34513",)


class WrongVault(HoldfastError):
    code = "wrong-vault"
    sentence = N_(
        "Machine {machine} is registered to vault {registered}, and this is about vault {wanted}"
    )
    remedy = N_(
        "Use credentials of vault {registered}, or register it as a new machine: "
        "`holdfast register --credentials FILE --force-new`."
    )
    source_codes = ("100110",)


class MachineUnknown(HoldfastError):
    code = "machine-unknown"
    sentence = N_("The server knows no machine {machine}")
    remedy = N_(
        "See which there are with `holdfast vault machines NAME`; "
        "one that is gone from there registers as a new machine, with --force-new."
    )


class MachineDeleted(HoldfastError):
    code = "machine-deleted"
    sentence = N_("The data of machine {machine} was deleted at {deleted}")
    remedy = N_(
        "Bring it back with `holdfast vault machine undelete`, "
        "or register it as a new machine with --force-new."
    )


class MachinePurged(HoldfastError):
    code = "machine-purged"
    sentence = N_("The time to bring machine {machine} back ended at {ended}")
    remedy = N_("Register it as a new machine: `holdfast register --credentials FILE --force-new`.")


class MachineNotRegistered(HoldfastError):
    code = "machine-not-registered"
    sentence = N_("Machine {machine} is {state}")
    remedy = N_(
        "Register it again with a file of `holdfast vault credentials NAME --replaces {machine}`."
    )


class MachineNotProven(HoldfastError):
    """Good credentials, but they make new machines: none is taken over with them."""

    code = "machine-not-proven"
    sentence = N_("These vault credentials alone do not make this the registered machine {machine}")
    remedy = N_(
        "Its former key is not here. Have an operator replace the machine with "
        "`holdfast vault credentials VAULT --replaces {machine}` and register with that file, "
        "or register as a new machine: `holdfast register --credentials FILE --force-new`."
    )


class CredentialsReplaceAnother(HoldfastError):
    code = "credentials-replace-another"
    sentence = N_("These vault credentials ({credentials}) are for machine {machine} alone")
    remedy = N_(
        "Register that machine with them, without --machine-id and --force-new; for another one "
        "download others: `holdfast vault credentials NAME`."
    )


class CredentialsUsed(HoldfastError):
    code = "credentials-used"
    sentence = N_("These vault credentials ({credentials}) replaced machine {machine} already")
    remedy = N_(
        "They are good once. Download others with "
        "`holdfast vault credentials VAULT --replaces {machine}`, and find out who used these."
    )


class KeyRevoked(HoldfastError):
    code = "key-revoked"
    sentence = N_("The key of this request was revoked before, for machine {machine}")
    remedy = N_("Run `holdfast register` again: it makes a new key.")


class KeyDiffers(HoldfastError):
    code = "passphrase-key-differs"
    sentence = N_(
        "The repository of machine {machine} has another key than the one it was registered with"
    )
    remedy = N_(
        "Use the passphrase of the first registration; if the repository was made anew on purpose, "
        "let a contributor run `holdfast vault machine reset-key`."
    )
    exit_status = Exit.WRONG_PASSPHRASE
    source_codes = ("34506",)


class DataImmutable(HoldfastError):
    code = "data-immutable"
    sentence = N_("Vault {vault} is immutable ({state}): the data of {machine} cannot be deleted")
    remedy = N_("Unregister it and keep the data; it goes when its retention ends.")


class ReaderIsItself(HoldfastError):
    code = "reader-is-itself"
    sentence = N_("Machine {machine} may always read its own recovery points")
    remedy = N_("Name the machine that shall restore from them as reader.")
    exit_status = Exit.USAGE
