"""What can be wrong before a command's work begins: settings, passphrases, scratch, hooks."""

from holdfast.base.errors import Exit, HoldfastError, Retry
from holdfast.base.texts import N_


class VaultNotNamed(HoldfastError):
    code = "vault-not-named"
    sentence = N_("No vault is named")
    remedy = N_("Give --vault LOCATION, or set HOLDFAST_VAULT, or write `vault` in {config}.")
    exit_status = Exit.USAGE


class SettingUnknown(HoldfastError):
    """A misspelt key that were ignored would be a setting that silently does nothing."""

    code = "setting-unknown"
    sentence = N_("{file} has a key {key} that means nothing here")
    remedy = N_("Remove it, or write one of these: {known}.")
    exit_status = Exit.USAGE


class SettingWrong(HoldfastError):
    code = "setting-wrong"
    sentence = N_("{where}: {value} is not what {key} takes: {reason}")
    remedy = N_("Correct it there, then run the same command again.")
    exit_status = Exit.USAGE


class PassphraseNotGiven(HoldfastError):
    code = "passphrase-not-given"
    sentence = N_("The vault needs its passphrase, and nobody is there to type it")
    remedy = N_(
        "Give --passphrase-file FILE or --passphrase-command COMMAND, "
        "or set HOLDFAST_PASSPHRASE_FILE."
    )
    exit_status = Exit.WRONG_PASSPHRASE
    source_codes = ("34506",)


class PassphraseUnreadable(HoldfastError):
    code = "passphrase-unreadable"
    sentence = N_("The passphrase cannot be read from {source}: {reason}")
    remedy = N_("Correct the path or the command, and see that its first output is the passphrase.")
    exit_status = Exit.WRONG_PASSPHRASE
    source_codes = ("34506",)


class PassphraseTooShort(HoldfastError):
    code = "passphrase-too-short"
    sentence = N_("The new passphrase has {seen} characters, {wanted} are needed")
    remedy = N_("Take a longer one, for example six random words; --lab lifts this for trials.")
    exit_status = Exit.USAGE


class PassphrasesDiffer(HoldfastError):
    code = "passphrases-differ"
    sentence = N_("The two passphrases typed are not the same")
    remedy = N_("Nothing was changed. Run the same command again.")
    exit_status = Exit.USAGE


class ScratchUnusable(HoldfastError):
    code = "scratch-unusable"
    sentence = N_("The scratch folder {folder} cannot be used: {reason}")
    remedy = N_(
        "Set HOLDFAST_HOME to a folder on a mounted local disk that this user may write to; "
        "scratch holds only caches and may be moved or deleted at any time."
    )
    source_codes = ("SalVhdInitializationError", "0x1FC07", "34506", "0x80070003")


class ScratchFull(HoldfastError):
    code = "scratch-full"
    sentence = N_("The scratch folder {folder} has {free} free, at least {wanted} are needed")
    remedy = N_(
        "Free space there, or set HOLDFAST_HOME to a folder on a disk "
        "with 5 to 10 % of the protected data free."
    )
    retry = Retry.LATER
    source_codes = ("SalLowDiskSpace", "0x1FC07", "34506", "0x80070002")


class ScratchMoved(HoldfastError):
    """Its mark is not where we left it: the disk is not mounted, or somebody moved the folder."""

    code = "scratch-moved"
    sentence = N_("The scratch folder is no longer at {folder}, or another one lies there")
    remedy = N_(
        "Mount its disk, or move the folder back there and use `holdfast agent scratch move DIR`; "
        "if it is lost, `holdfast agent scratch move DIR` makes a new one."
    )
    source_codes = ("0x1FC07", "34506")


class ScratchNotMoved(HoldfastError):
    code = "scratch-not-moved"
    sentence = N_("Scratch was not moved to {folder}: {reason}")
    remedy = N_("It is still used where it was. Choose another folder, or run the command again.")


class ScratchOnUnsupportedSystem(HoldfastError):
    code = "scratch-unsupported"
    sentence = N_("The scratch folder {folder} lies on {kind}, which caches cannot be kept on")
    remedy = N_("Set HOLDFAST_HOME to a folder on a local disk, for example ext4, xfs or btrfs.")
    source_codes = ("SalVhdInitializationError", "0x1FC07")


class HookFailed(HoldfastError):
    code = "hook-failed"
    sentence = N_("The command {command} of this backup ended with status {status}: {said}")
    remedy = N_("Run it by hand until it ends with status 0, then run the same backup again.")


class HookTooSlow(HoldfastError):
    code = "hook-too-slow"
    sentence = N_("The command {command} of this backup was stopped after {seconds} seconds")
    remedy = N_("See what it waits for, or give it more time with --hook-timeout.")


class DemoFailed(HoldfastError):
    code = "demo-failed"
    sentence = N_("The demonstration found something it should not: {what}: {seen}")
    remedy = N_(
        "Please report it, with what `holdfast demo --keep -v` prints and the folder it names."
    )
    exit_status = Exit.DAMAGE
