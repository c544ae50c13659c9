"""Errors as answers: application/problem+json with our code and our remedy."""

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError
from starlette.exceptions import HTTPException

from holdfast.app.control import (
    account_errors,
    browse_errors,
    errors,
    job_errors,
    policy_errors,
    registration_errors,
    replication_errors,
    step_errors,
    vault_errors,
)
from holdfast.app.control.audit import note_refusal
from holdfast.app.control.plane import Plane
from holdfast.base.errors import HoldfastError, Retry
from holdfast.base.texts import _, speaking
from holdfast.catalog.errors import DatabaseUnavailable
from holdfast.fleet import credentials_file
from holdfast.replication import replica_errors
from holdfast.server.speaking import language_of

_log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
# The status of an error's class, or of the nearest class it is made from.
STATUSES: dict[type[HoldfastError], int] = {
    errors.NotLoggedIn: HTTPStatus.UNAUTHORIZED,
    errors.NotAllowed: HTTPStatus.FORBIDDEN,
    errors.NotThere: HTTPStatus.NOT_FOUND,
    errors.AlreadyThere: HTTPStatus.CONFLICT,
    errors.ChangedMeanwhile: HTTPStatus.CONFLICT,
    errors.RouteUnknown: HTTPStatus.NOT_FOUND,
    errors.RequestTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.IdempotencyUnderWay: HTTPStatus.CONFLICT,
    errors.ServerFault: HTTPStatus.INTERNAL_SERVER_ERROR,
    account_errors.LoginRefused: HTTPStatus.UNAUTHORIZED,
    account_errors.PasswordWrong: HTTPStatus.FORBIDDEN,
    account_errors.AccountDisabled: HTTPStatus.FORBIDDEN,
    account_errors.LastAdministrator: HTTPStatus.CONFLICT,
    step_errors.PinNeeded: HTTPStatus.FORBIDDEN,
    step_errors.PinWrong: HTTPStatus.FORBIDDEN,
    step_errors.ApprovalNeeded: HTTPStatus.FORBIDDEN,
    step_errors.ApprovalNotGood: HTTPStatus.FORBIDDEN,
    step_errors.ApprovalOwn: HTTPStatus.FORBIDDEN,
    step_errors.ApprovalDecided: HTTPStatus.CONFLICT,
    vault_errors.VaultInUse: HTTPStatus.CONFLICT,
    job_errors.JobOver: HTTPStatus.CONFLICT,
    job_errors.JobNotOver: HTTPStatus.CONFLICT,
    job_errors.LeaseHeld: HTTPStatus.CONFLICT,
    job_errors.LeaseOver: HTTPStatus.CONFLICT,
    job_errors.MachineGone: HTTPStatus.CONFLICT,
    policy_errors.PolicyLimit: HTTPStatus.CONFLICT,
    policy_errors.PolicyAttached: HTTPStatus.CONFLICT,
    policy_errors.PathsAssigned: HTTPStatus.CONFLICT,
    policy_errors.VmsAssigned: HTTPStatus.CONFLICT,
    policy_errors.RetentionTooShort: HTTPStatus.CONFLICT,
    policy_errors.RetentionImmutable: HTTPStatus.CONFLICT,
    vault_errors.ProtectionLocked: HTTPStatus.CONFLICT,
    vault_errors.LocationTaken: HTTPStatus.CONFLICT,
    vault_errors.VaultKept: HTTPStatus.CONFLICT,
    registration_errors.VaultFull: HTTPStatus.FORBIDDEN,
    registration_errors.VaultDeleted: HTTPStatus.CONFLICT,
    registration_errors.CredentialsUnknown: HTTPStatus.FORBIDDEN,
    registration_errors.CredentialsSuperseded: HTTPStatus.FORBIDDEN,
    credentials_file.CredentialsExpired: HTTPStatus.FORBIDDEN,
    registration_errors.WrongVault: HTTPStatus.CONFLICT,
    registration_errors.MachineUnknown: HTTPStatus.NOT_FOUND,
    registration_errors.MachineDeleted: HTTPStatus.CONFLICT,
    registration_errors.MachinePurged: HTTPStatus.CONFLICT,
    registration_errors.MachineNotRegistered: HTTPStatus.CONFLICT,
    registration_errors.KeyRevoked: HTTPStatus.FORBIDDEN,
    registration_errors.MachineNotProven: HTTPStatus.FORBIDDEN,
    registration_errors.CredentialsReplaceAnother: HTTPStatus.FORBIDDEN,
    registration_errors.CredentialsUsed: HTTPStatus.FORBIDDEN,
    registration_errors.KeyDiffers: HTTPStatus.CONFLICT,
    registration_errors.DataImmutable: HTTPStatus.CONFLICT,
    replication_errors.MachineIsSite: HTTPStatus.CONFLICT,
    replication_errors.SiteInUse: HTTPStatus.CONFLICT,
    replication_errors.SiteAway: HTTPStatus.CONFLICT,
    replication_errors.ReplicaBeingRemoved: HTTPStatus.CONFLICT,
    replica_errors.ReplicaOfAnother: HTTPStatus.CONFLICT,
    browse_errors.UnlockRefused: HTTPStatus.FORBIDDEN,
    browse_errors.UnlockGone: HTTPStatus.CONFLICT,
}
# Refusals of a caller that the audit log keeps; the use case's own transaction was undone.
REFUSALS: tuple[type[HoldfastError], ...] = (
    errors.NotAllowed,
    step_errors.PinWrong,
    step_errors.ApprovalNotGood,
    step_errors.ApprovalOwn,
)
_DESCRIBED = {
    401: "Nobody is logged in",
    403: "Not allowed, or not without PIN or approval",
    404: "There is no such thing",
    409: "Something else is in the way",
    413: "Too large",
    422: "The request cannot be understood, or asks for what cannot be",
    503: "Not now",
}
# For routers: what every operation may answer besides.
ANSWERS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": text,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status, text in _DESCRIBED.items()
}
_TEXT = {"type": "string"}
SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "RFC 9457, with our code and our remedy.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "remedy"],
    "properties": {
        **dict.fromkeys(("type", "title", "detail", "code", "remedy", "retry"), _TEXT),
        "status": {"type": "integer"},
        "source_codes": {"type": "array", "items": _TEXT},
        "fields": {"type": "object", "additionalProperties": _TEXT},
    },
}


def install(app: FastAPI) -> None:
    app.add_exception_handler(HoldfastError, _ours)
    app.add_exception_handler(HTTPException, _plain)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(IntegrityError, _overtaken)
    app.add_exception_handler(StatementError, _unstorable)
    app.add_exception_handler(OverflowError, _unstorable)
    app.add_exception_handler(Exception, _fault)


def describe(app: FastAPI) -> None:
    """Put the schema of a problem into the API's document."""
    document = app.openapi

    def described() -> dict[str, Any]:
        made = document()
        made.setdefault("components", {}).setdefault("schemas", {})["Problem"] = SCHEMA
        return made

    app.openapi = described  # type: ignore[method-assign]  # FastAPI's own way to extend it


def status_of(error: HoldfastError) -> int:
    for kind in type(error).__mro__:
        if kind in STATUSES:
            return int(STATUSES[kind])
    later = error.retry is Retry.LATER
    return int(HTTPStatus.SERVICE_UNAVAILABLE if later else HTTPStatus.UNPROCESSABLE_ENTITY)


def body_of(error: HoldfastError) -> dict[str, Any]:
    """The problem as RFC 9457 writes it, with our fields beside its own."""
    error = _public(error)
    return {
        "type": f"urn:holdfast:error:{error.code}",
        "title": error.code,
        "status": status_of(error),
        "detail": str(error),
        "code": error.code,
        "remedy": error.advice,
        "retry": error.retry.value,
        "source_codes": list(error.source_codes),
        "fields": {name: str(value) for name, value in error.fields.items()},
    }


def _public(error: HoldfastError) -> HoldfastError:
    """What a caller may know of it; the rest is for the log."""
    if not isinstance(error, DatabaseUnavailable):
        return error
    _log.error("%s", error)
    return errors.StateAway()


def answer(
    error: HoldfastError, *, status: int | None = None, headers: dict[str, str] | None = None
) -> JSONResponse:
    body = body_of(error)
    if status is not None:
        body["status"] = status
    more = dict(headers or {})
    if body["status"] == HTTPStatus.UNAUTHORIZED:
        more["WWW-Authenticate"] = "Bearer"
    return JSONResponse(body, body["status"], more, media_type=MEDIA_TYPE)


# Written as `def`: Starlette runs these in a thread, where they may wait for the database.
def _ours(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HoldfastError)
    actor = getattr(request.state, "actor", None)
    if actor is not None and isinstance(error, REFUSALS):
        asked = f"{request.method} {request.url.path}"
        note_refusal(request.app.state.plane, actor, error, request=asked)
    return answer(error)


def _plain(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    unknown = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)
    named: HoldfastError
    if error.status_code in unknown:
        named = errors.RouteUnknown(
            method=request.method, path=request.url.path, server=_server(request)
        )
    else:
        named = errors.RequestMalformed(reason=error.detail, server=_server(request))
    if error.status_code == HTTPStatus.BAD_REQUEST:
        # Bytes that are no text; JSON that is none is answered so as well.
        return answer(named, headers=headers)
    return answer(named, status=error.status_code, headers=headers)


def _malformed(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    places = ["/".join(map(str, one["loc"])) + ": " + str(one["msg"]) for one in error.errors()]
    return answer(errors.RequestMalformed(reason="; ".join(places), server=_server(request)))


def _overtaken(_request: Request, _error: Exception) -> JSONResponse:
    return answer(errors.ChangedMeanwhile())


def _unstorable(request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, DBAPIError) and not isinstance(error, DataError):
        # A mistake of ours.
        raise error
    reason = _("a text or a number in it cannot be stored")
    return answer(errors.RequestMalformed(reason=reason, server=_server(request)))


def _fault(request: Request, _error: Exception) -> JSONResponse:
    # Whoever runs the application logs the error itself; a stranger learns nothing of it.
    # This handler stands outside of everything that was added, so it looks for the language itself.
    with speaking(language_of(request.headers)):
        return answer(errors.ServerFault())


def _server(request: Request) -> str:
    plane = request.app.state.plane
    assert isinstance(plane, Plane)
    return plane.address
