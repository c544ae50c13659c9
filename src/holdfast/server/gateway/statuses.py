"""The status of each refusal. restic takes 401, 403, 404, 416 and 507 as final, others as passing."""

from http import HTTPStatus

from holdfast.base.errors import HoldfastError, Retry
from holdfast.server import problems
from holdfast.storage import errors as storage_errors
from holdfast.storage import rest_errors

_STATUSES: dict[type[HoldfastError], int] = {
    storage_errors.FileMissing: HTTPStatus.NOT_FOUND,
    storage_errors.FileExists: HTTPStatus.PRECONDITION_FAILED,
    storage_errors.StorageFull: HTTPStatus.INSUFFICIENT_STORAGE,
    storage_errors.StorageBroken: HTTPStatus.INTERNAL_SERVER_ERROR,
    rest_errors.QuotaExceeded: HTTPStatus.INSUFFICIENT_STORAGE,
    rest_errors.DeleteNeedsLease: HTTPStatus.FORBIDDEN,
    rest_errors.StillImmutable: HTTPStatus.FORBIDDEN,
    rest_errors.ContentDiffers: HTTPStatus.FORBIDDEN,
    rest_errors.HashDiffers: HTTPStatus.BAD_REQUEST,
    rest_errors.UploadBroken: HTTPStatus.BAD_REQUEST,
    rest_errors.TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    rest_errors.RequestNotUnderstood: HTTPStatus.BAD_REQUEST,
    rest_errors.BeingPurged: HTTPStatus.SERVICE_UNAVAILABLE,
}


def status_of(error: HoldfastError) -> int:
    for kind in type(error).__mro__:
        if kind in _STATUSES:
            return int(_STATUSES[kind])
    known = problems.status_of(error)
    if known != HTTPStatus.UNPROCESSABLE_ENTITY:
        return known
    # Trouble of the storage behind us is none of the client's making.
    later = error.retry is not Retry.NEVER
    return int(HTTPStatus.SERVICE_UNAVAILABLE if later else HTTPStatus.INTERNAL_SERVER_ERROR)
