"""Errors as answers: application/problem+json with our code and our remedy."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from holdfast.app.control.errors import AlreadyThere, NotAllowed, NotLoggedIn, NotThere
from holdfast.base.errors import HoldfastError, Retry

MEDIA_TYPE = "application/problem+json"
# The status of an error's class, or of the nearest class it is made from.
STATUSES: dict[type[HoldfastError], int] = {
    NotLoggedIn: HTTPStatus.UNAUTHORIZED,
    NotAllowed: HTTPStatus.FORBIDDEN,
    NotThere: HTTPStatus.NOT_FOUND,
    AlreadyThere: HTTPStatus.CONFLICT,
}


def install(app: FastAPI) -> None:
    app.add_exception_handler(HoldfastError, _ours)
    app.add_exception_handler(HTTPException, _plain)
    app.add_exception_handler(RequestValidationError, _malformed)


def status_of(error: HoldfastError) -> int:
    for kind in type(error).__mro__:
        if kind in STATUSES:
            return int(STATUSES[kind])
    later = error.retry is Retry.LATER
    return int(HTTPStatus.SERVICE_UNAVAILABLE if later else HTTPStatus.UNPROCESSABLE_ENTITY)


def body_of(error: HoldfastError) -> dict[str, Any]:
    """The problem as RFC 9457 writes it, with our fields beside its own."""
    return {
        "type": f"urn:holdfast:error:{error.code}",
        "title": error.code,
        "status": status_of(error),
        "detail": str(error),
        "code": error.code,
        "remedy": error.advice,
        "source_codes": list(error.source_codes),
        "fields": {name: str(value) for name, value in error.fields.items()},
    }


def _ours(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HoldfastError)
    return JSONResponse(body_of(error), status_of(error), media_type=MEDIA_TYPE)


def _plain(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return _generic(error.status_code, str(error.detail), dict(error.headers or {}))


def _malformed(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    places = ["/".join(map(str, one["loc"])) + ": " + str(one["msg"]) for one in error.errors()]
    return _generic(HTTPStatus.UNPROCESSABLE_ENTITY, "; ".join(places), {})


def _generic(status: int, detail: str, headers: dict[str, str]) -> JSONResponse:
    title = HTTPStatus(status).phrase
    content = {"type": "about:blank", "title": title, "status": int(status), "detail": detail}
    return JSONResponse(content, status, media_type=MEDIA_TYPE, headers=headers)
