"""What a gateway refuses: raised at the server, and made anew from its answer at the client."""

from holdfast.base.errors import Exit, HoldfastError, Retry
from holdfast.base.texts import N_


class QuotaExceeded(HoldfastError):
    code = "quota-exceeded"
    sentence = N_("{place} has no room for {name}: {used} of {quota} bytes are taken")
    remedy = N_(
        "Free room with `holdfast retain` and `holdfast prune`, or have an administrator raise "
        "the quota of the vault or the machine. What was deleted counts until its trash is purged."
    )


class DeleteNeedsLease(HoldfastError):
    """A machine's own credentials cannot destroy its history."""

    code = "delete-needs-lease"
    sentence = N_("{place} does not let {name} be deleted: the machine holds no lease for it")
    remedy = N_(
        "Files of a repository go only by retain or prune under a lease of the server: start them "
        "with `holdfast jobs run MACHINE prune`, or with `holdfast retain` on the machine."
    )
    exit_status = Exit.DECIDE


class StillImmutable(HoldfastError):
    code = "still-immutable"
    sentence = N_("{place} keeps {name} at least {days} days, and it is younger")
    remedy = N_("Wait until it is older: an immutable vault lets nobody delete it before.")


class ContentDiffers(HoldfastError):
    code = "content-differs"
    sentence = N_("{place} already has a file {name}, with another content")
    remedy = N_("Nothing was replaced. Run `holdfast check` to learn which of the two is damaged.")
    exit_status = Exit.DAMAGE


class HashDiffers(HoldfastError):
    code = "hash-differs"
    sentence = N_("What arrived at {place} as {name} has another hash: {seen}")
    remedy = N_("The network or the memory damaged it on its way; it is sent again by itself.")
    retry = Retry.NOW


class UploadBroken(HoldfastError):
    code = "upload-broken"
    sentence = N_("{place} did not receive {name} as a whole: {reason}")
    remedy = N_("Nothing of it was kept; it is sent again by itself.")
    retry = Retry.LATER


class TooLarge(HoldfastError):
    code = "file-too-large"
    sentence = N_("{place} does not take {name}: {size} bytes are more than the {limit} allowed")
    remedy = N_("Write smaller packs: no file of this kind needs to be that large.")


class RequestNotUnderstood(HoldfastError):
    code = "gateway-request-not-understood"
    sentence = N_("{place} does not understand the request: {reason}")
    remedy = N_("Use a client of the restic REST protocol, such as restic 0.12 or newer.")


class BeingPurged(HoldfastError):
    code = "file-being-purged"
    sentence = N_("{place} is just removing {name} for good")
    remedy = N_("Run the same command again in some minutes.")
    retry = Retry.LATER


class MachineRefused(HoldfastError):
    code = "machine-refused"
    sentence = N_("{place} does not accept this machine: {reason}")
    remedy = N_(
        "Look at `holdfast agent status`; a machine whose certificate is no longer good is "
        "registered again with `holdfast register --credentials FILE`."
    )


class ReadOnly(HoldfastError):
    """Another machine's repository, opened for some hours to restore from."""

    code = "vault-read-only"
    sentence = N_("This machine may read {place}, and nothing more")
    remedy = N_("Add --no-lock to restore, mount or check: a lock is a file as well.")
