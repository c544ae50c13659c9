"""What can go wrong with a storage, each with a remedy."""

from holdfast.base.errors import Exit, HoldfastError, Retry
from holdfast.base.texts import N_


class FileMissing(HoldfastError):
    code = "file-missing"
    sentence = N_("{place} has no file {name}")
    remedy = N_("Run `holdfast check` to learn what is damaged, then `holdfast vault repair`.")
    exit_status = Exit.DAMAGE


class FileExists(HoldfastError):
    code = "file-exists"
    sentence = N_("{place} already has a file {name}")
    remedy = N_("Nothing is lost: the old file was kept. Use another name or another place.")


class FileTooShort(HoldfastError):
    code = "file-too-short"
    sentence = N_("{name} in {place} ends after {seen} bytes, {wanted} were expected")
    remedy = N_("Run `holdfast check` to learn what is damaged, then `holdfast vault repair`.")
    exit_status = Exit.DAMAGE


class StorageUnavailable(HoldfastError):
    code = "storage-unavailable"
    sentence = N_("{place} does not answer: {reason}")
    remedy = N_("Check the network and the address, then run the same command again.")
    retry = Retry.LATER


class StorageFull(HoldfastError):
    code = "storage-full"
    sentence = N_("{place} has no room for {name}: {reason}")
    remedy = N_("Free space there or run `holdfast prune`, then run the same command again.")


class StorageDenied(HoldfastError):
    code = "storage-denied"
    sentence = N_("{place} refuses access to {name}: {reason}")
    remedy = N_("Check owner and permissions of the place, or the account's rights.")


class StorageBroken(HoldfastError):
    code = "storage-broken"
    sentence = N_("{place} reports a device error for {name}: {reason}")
    remedy = N_("Look at `dmesg` and the disk's health; copy the vault away before you repair it.")
    exit_status = Exit.DAMAGE


class PlaceMissing(HoldfastError):
    """The root of a storage is gone; it is never made anew behind its owner's back."""

    code = "place-missing"
    sentence = N_("{place} does not exist; is the disk mounted?")
    remedy = N_(
        "Mount the disk that holds it or correct the location, then run the same command again. "
        "A new vault is made with `holdfast vault create {place}`."
    )
    exit_status = Exit.NO_VAULT
    source_codes = ("0x80070003",)


class ContainerMissing(HoldfastError):
    code = "container-missing"
    sentence = N_("{place}: there is no container or bucket of that name")
    remedy = N_(
        "Correct the location, or create the container first: `az storage container create`, "
        "`aws s3 mb` or `gcloud storage buckets create`."
    )
    exit_status = Exit.NO_VAULT


class CredentialsMissing(HoldfastError):
    code = "credentials-missing"
    sentence = N_("{place} needs credentials, and none were found: {reason}")
    remedy = N_("Set {variables} in the environment, then run the same command again.")


class CredentialsWrong(HoldfastError):
    code = "credentials-wrong"
    sentence = N_("{place} does not accept the credentials: {reason}")
    remedy = N_(
        "Compare {variables} with the keys shown by the cloud provider; "
        "a renewed key or an expired token must be set again."
    )


class ClockWrong(HoldfastError):
    code = "clock-wrong"
    sentence = N_("{place} refuses the time of this machine: {reason}")
    remedy = N_(
        "Compare `timedatectl` with a trusted clock, switch on time synchronisation with "
        "`timedatectl set-ntp true`, then run the same command again."
    )
    source_codes = ("ACS50008",)


class StorageUnreachable(HoldfastError):
    code = "storage-unreachable"
    sentence = N_("{place} cannot be reached: {reason}")
    remedy = N_(
        "Check network, name resolution, firewall and proxy, for example with "
        "`curl -sv {url}`, then run the same command again."
    )
    retry = Retry.LATER


class CertificateRefused(HoldfastError):
    code = "certificate-refused"
    sentence = N_("The TLS connection to {place} is not safe: {reason}")
    remedy = N_(
        "Check the endpoint and this machine's clock. A private authority's certificate belongs "
        "into /usr/local/share/ca-certificates, followed by `update-ca-certificates`."
    )


class StorageThrottled(HoldfastError):
    code = "storage-throttled"
    sentence = N_("{place} asks for fewer requests: {reason}")
    remedy = N_("Wait a few minutes, then run the same command again; avoid parallel jobs.")
    retry = Retry.LATER


class StorageIncapable(HoldfastError):
    code = "storage-incapable"
    sentence = N_("{place} cannot do what a vault needs: {reason}")
    remedy = N_(
        "Use a storage that can refuse to overwrite an object (conditional writes), "
        "or update the storage's software."
    )


class LocationNotUnderstood(HoldfastError):
    code = "location-not-understood"
    sentence = N_("{location} is not a location Holdfast understands: {reason}")
    remedy = N_(
        "Write /backup/vault for a folder, az://ACCOUNT/CONTAINER/PREFIX for Azure Blob, "
        "s3://BUCKET/PREFIX for S3, gs://BUCKET/PREFIX for Google Cloud Storage."
    )
    exit_status = Exit.USAGE
