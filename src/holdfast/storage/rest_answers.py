"""A gateway's answers and a connection's failures, as errors of ours."""

import json
import ssl
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from urllib3.exceptions import ProxyError

from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.storage import rest_errors
from holdfast.storage.errors import (
    CertificateRefused,
    FileExists,
    FileMissing,
    FileTooShort,
    PlaceMissing,
    StorageBroken,
    StorageDenied,
    StorageFull,
    StorageThrottled,
    StorageUnavailable,
    StorageUnreachable,
)

if TYPE_CHECKING:
    from holdfast.storage.rest import Door

# Errors a gateway may name: with its word, and not by the status alone, they are made anew here.
_BY_CODE = {
    kind.code: kind
    for kind in (
        FileExists,
        FileMissing,
        FileTooShort,
        StorageBroken,
        StorageFull,
        StorageThrottled,
        StorageUnavailable,
        rest_errors.BeingPurged,
        rest_errors.ContentDiffers,
        rest_errors.DeleteNeedsLease,
        rest_errors.HashDiffers,
        rest_errors.QuotaExceeded,
        rest_errors.RequestNotUnderstood,
        rest_errors.StillImmutable,
        rest_errors.TooLarge,
        rest_errors.UploadBroken,
    )
}
# What other servers of the protocol say with a number alone.
_BY_STATUS: dict[int, type[HoldfastError]] = {
    HTTPStatus.BAD_REQUEST: StorageDenied,
    HTTPStatus.METHOD_NOT_ALLOWED: StorageDenied,
    HTTPStatus.UNAUTHORIZED: rest_errors.MachineRefused,
    HTTPStatus.FORBIDDEN: StorageDenied,
    HTTPStatus.NOT_FOUND: FileMissing,
    HTTPStatus.PRECONDITION_FAILED: FileExists,
    HTTPStatus.TOO_MANY_REQUESTS: StorageThrottled,
    HTTPStatus.INSUFFICIENT_STORAGE: StorageFull,
}
_REASON_LENGTH = 300
# A connection that ended is said by TLS as well, and is nobody's certificate's fault.
_CUT = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)


def refusal(door: "Door", name: str, *, status: int, method: str, body: bytes) -> HoldfastError:
    """The error an answer stands for. A HEAD has no words, so its status has to do."""
    problem = _problem(body)
    code = str(problem.get("code", ""))
    fields = problem.get("fields")
    known = dict(fields) if isinstance(fields, dict) else {}
    reason = str(problem.get("detail") or _plain(body) or HTTPStatus(status).phrase)
    known |= {"place": door.place, "name": name, "url": door.url, "reason": reason}
    if code == PlaceMissing.code:
        # Its own words tell how to mount a disk here: it is the server's disk.
        return StorageUnavailable(**known)
    if code == "not-there":
        return rest_errors.MachineRefused(**known)
    if code == "not-allowed" and known.get("right") == "write":
        return rest_errors.ReadOnly(**known)
    kind = _BY_CODE.get(code) or _BY_STATUS.get(status)
    if kind is FileExists and method != "POST":
        kind = None
    return (kind or StorageUnavailable)(**known)


def no_connection(door: "Door", name: str, error: Exception) -> HoldfastError:
    fields = {"place": door.place, "name": name, "url": door.url}
    cause = _innermost(error)
    if isinstance(cause, FileNotFoundError | PermissionError):
        # Of our own files: the certificate, its key, the authority's certificate.
        return rest_errors.MachineRefused(reason=str(cause), **fields)
    if isinstance(cause, ssl.SSLError) and not isinstance(cause, _CUT):
        return CertificateRefused(reason=_certificate_reason(cause), **fields)
    if isinstance(error, ProxyError):
        reason = _("the proxy does not let it through: {reason}").format(reason=cause)
        return StorageUnreachable(reason=reason, **fields)
    return StorageUnreachable(reason=str(cause) or type(cause).__name__, **fields)


def broken_body(door: "Door", name: str, error: Exception) -> HoldfastError:
    reason = _("its answer is not understood: {reason}").format(reason=error)
    return StorageUnavailable(place=door.place, name=name, reason=reason)


def _problem(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _plain(body: bytes) -> str:
    text = body[:_REASON_LENGTH].decode(errors="replace").strip()
    return "" if text.startswith(("<", "{")) else text.partition("\n")[0]


def _innermost(error: BaseException) -> BaseException:
    """What the library wrapped: its own sentences hold addresses of objects."""
    inner = getattr(error, "reason", None) or error.__cause__ or error.__context__
    if isinstance(inner, BaseException) and inner is not error:
        return _innermost(inner)
    return error


def _certificate_reason(cause: BaseException) -> str:
    return str(getattr(cause, "verify_message", "") or getattr(cause, "reason", "") or cause)
