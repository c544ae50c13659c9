"""What can be in the way of a file that is to come out of a point into somebody's browser."""

from holdfast.base.errors import Exit, HoldfastError, Retry
from holdfast.base.texts import N_


class DownloadsNotAllowed(HoldfastError):
    """The server reads no content, unless the machine itself agrees to it."""

    code = "downloads-not-allowed"
    sentence = N_("This machine lets no file of a recovery point pass through the server")
    remedy = N_(
        "Restore it to a folder of a machine. Or write `downloads = true` into {file} there and "
        "restart its agent: from then on a server that fell could read files of its points."
    )


class NotAFile(HoldfastError):
    code = "not-a-file"
    sentence = N_("{path} of the recovery point {point} is no file with content")
    remedy = N_("Choose a file; folders and all else are restored to a folder of a machine.")
    exit_status = Exit.USAGE


class DownloadTooLarge(HoldfastError):
    code = "download-too-large"
    sentence = N_("{path} has {size}, and no more than {most} pass through the server")
    remedy = N_("Restore it to a folder of a machine.")


class TooManyDownloads(HoldfastError):
    code = "too-many-downloads"
    sentence = N_("{count} files are being downloaded from this server at this moment")
    remedy = N_("Wait for the end of one of them.")
    retry = Retry.LATER
