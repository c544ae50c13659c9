"""What can stand in the way of a registration on the machine's side, each cause with its code."""

from holdfast.base.errors import Exit, HoldfastError, Retry
from holdfast.base.texts import N_


class NotReady(HoldfastError):
    """Several things at once; each was shown with its own remedy."""

    code = "registration-not-ready"
    sentence = N_("{count} things stand in the way of the registration: {codes}")
    remedy = N_("Mend them in the order shown, then run the same command again.")

    def __init__(self, **fields: object) -> None:
        super().__init__(**fields)
        self.problems: tuple[HoldfastError, ...] = ()


class CredentialsUnreadable(HoldfastError):
    code = "credentials-unreadable"
    sentence = N_("The vault credentials file {file} cannot be read: {reason}")
    remedy = N_("Correct the path, or copy the file to this machine first.")
    exit_status = Exit.USAGE


class NotRegistered(HoldfastError):
    code = "not-registered"
    sentence = N_("This machine is not registered with a vault: {file} is missing")
    remedy = N_("Register it first: `holdfast register --credentials FILE`.")
    exit_status = Exit.NO_VAULT


class RegistrationUnreadable(HoldfastError):
    code = "registration-unreadable"
    sentence = N_("The registration of this machine cannot be read from {file}: {reason}")
    remedy = N_(
        "Register it again, with its machine id from `holdfast vault machines NAME`: "
        "`holdfast register --credentials FILE --machine-id ID`; its key has to be there still, or "
        "FILE made by `holdfast vault credentials NAME --replaces ID`."
    )


class KeyFileMissing(HoldfastError):
    """The file with the passphrase and its copy are both gone or damaged."""

    code = "key-file-missing"
    sentence = N_("The saved passphrase of this machine is gone or damaged: {file}: {reason}")
    remedy = N_("Save it again with `holdfast passphrase set`; the recovery key opens it as well.")
    exit_status = Exit.WRONG_PASSPHRASE
    source_codes = ("0x1FC07", "34506")


class KeyNotSet(HoldfastError):
    """The repository could not be made or opened, so nothing of this registration counts yet."""

    code = "encryption-key-not-set"
    sentence = N_("The encryption key of this machine could not be set: {reason}")
    remedy = N_(
        "Nothing is half done: run the same `holdfast register` command again; "
        "it goes on with the same machine and the same passphrase."
    )
    retry = Retry.LATER


class PassphraseOfAnother(HoldfastError):
    code = "passphrase-not-the-machines"
    sentence = N_("The repository of machine {machine} does not open with this passphrase")
    remedy = N_(
        "Give the passphrase of its first registration, or its recovery key; "
        "--force-new begins a new, empty history instead."
    )
    exit_status = Exit.WRONG_PASSPHRASE
    source_codes = ("34506",)


class RecoveryFileTaken(HoldfastError):
    code = "recovery-file-taken"
    sentence = N_("{file} is there already and holds no recovery key of ours")
    remedy = N_("Name a new file with --recovery-key.")
    exit_status = Exit.USAGE


class InodesScarce(HoldfastError):
    code = "inodes-scarce"
    sentence = N_("The file system of {folder} has only {free} inodes left")
    remedy = N_("Remove files that nobody needs there: `df -i` shows the counts.")
    retry = Retry.LATER


class TemporaryFolderFull(HoldfastError):
    code = "temporary-folder-full"
    sentence = N_("The folder for temporary files, {folder}, has only {free} free")
    remedy = N_("Free space there, or set TMPDIR to another folder.")
    retry = Retry.LATER


class MemoryScarce(HoldfastError):
    code = "memory-scarce"
    sentence = N_("This machine has only {free} of memory available; {wanted} are needed")
    remedy = N_("Stop what is not needed, or add memory or swap.")
    retry = Retry.LATER
    source_codes = ("SalLowMemory",)


class ServerNameUnknown(HoldfastError):
    code = "server-name-unknown"
    sentence = N_("The name {host} has no address here: {reason}")
    remedy = N_("Check the name servers of this machine: `getent hosts {host}`.")
    retry = Retry.LATER


class NothingAnswers(HoldfastError):
    code = "nothing-answers"
    sentence = N_("Nothing answers at {place}: {reason}")
    remedy = N_(
        "Allow connections from this machine to {place} in every firewall between, "
        "or name the proxy with --proxy, and see that the server runs."
    )
    retry = Retry.LATER


class ProxyNotReached(HoldfastError):
    code = "proxy-not-reached"
    sentence = N_("The proxy {proxy} cannot be reached: {reason}")
    remedy = N_("Correct its address with --proxy URL, or do without one: --proxy none.")
    retry = Retry.LATER
    source_codes = ("100050",)


class ProxyRefused(HoldfastError):
    """HTTP status 407."""

    code = "proxy-refused"
    sentence = N_(
        "The proxy {proxy} wants a login ({schemes}) before it lets us through to {place}"
    )
    remedy = N_("Give it as --proxy http://USER:PASSWORD@HOST:PORT, or have {place} allowed there.")
    source_codes = ("407", "100050")


class ProxyForbids(HoldfastError):
    code = "proxy-forbids"
    sentence = N_("The proxy {proxy} does not let us through to {place}: {reason}")
    remedy = N_("Have {place} allowed on the proxy, or do without it: --proxy none.")
    source_codes = ("100050",)


class AuthorityDiffers(HoldfastError):
    code = "authority-differs"
    sentence = N_(
        "{place} does not show a certificate of the authority in the credentials: {reason}"
    )
    remedy = N_(
        "Download new credentials from the server that is meant; if a proxy opens TLS on the way, "
        "exempt {place} there. A clock that is far off looks the same."
    )


class NoServerThere(HoldfastError):
    code = "no-server-there"
    sentence = N_("What answers at {place} is no Holdfast server: {reason}")
    remedy = N_("Download new credentials from the server that is meant.")


class ClockSkewed(HoldfastError):
    code = "clock-skewed"
    sentence = N_("The clock of this machine is {skew} {direction} that of the server")
    remedy = N_("Set it right and keep it so: `timedatectl set-ntp true`.")
