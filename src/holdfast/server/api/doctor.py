"""The doctor: what a code means, and what is wrong where a log or a bundle comes from."""

import asyncio
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, FastAPI, Query, Request, Response

from holdfast.app.control import diagnosing
from holdfast.app.control.diagnosing import LONGEST_SYMPTOM, MOST_SYMPTOMS
from holdfast.app.control.errors import RequestTooLarge
from holdfast.app.control.handing_over import MOST_BYTES, Folder, folder
from holdfast.doctor.report.document import DoctorExplanation, DoctorReport
from holdfast.server.callers import Person, ThePlane
from holdfast.server.limits import ANYBODY

router = APIRouter(prefix="/doctor", tags=["doctor"])

_Symptom = Annotated[str, Query(min_length=1, max_length=LONGEST_SYMPTOM)]
_REF = "#/components/schemas/doctor.{name}"
_BYTES = {"schema": {"type": "string", "format": "binary"}}


def _told(kind: type) -> dict[int | str, dict[str, Any]]:
    """These documents are no models of the API's own library: they describe themselves."""
    shown = {"application/json": {"schema": {"$ref": _REF.format(name=kind.__name__)}}}
    return {int(HTTPStatus.OK): {"description": "What is known", "content": shown}}


@router.get("/explanations", response_class=Response, responses=_told(DoctorExplanation))
def explain(plane: ThePlane, person: Person, code: _Symptom) -> Response:
    """What the catalogue knows about a code, a name, a message or a cause, in order."""
    return _answer(diagnosing.explain(plane, person, code))


@router.post(
    "/diagnoses",
    response_class=Response,
    responses=_told(DoctorReport),
    openapi_extra={"requestBody": {"content": {"application/octet-stream": _BYTES}}},
)
async def diagnose(
    request: Request,
    plane: ThePlane,
    person: Person,
    name: Annotated[str, Query(max_length=1000, description="What the file is called.")] = "",
    symptom: Annotated[
        list[_Symptom] | None, Query(max_length=MOST_SYMPTOMS, description="What was seen.")
    ] = None,
) -> Response:
    """Read a log, a listing, an archive or a support bundle, sent as it is; nothing is kept."""
    with folder(person.id) as given:
        await _receive(request, given, name)
        reports = await asyncio.to_thread(
            diagnosing.diagnose, plane, person, given, symptoms=symptom or ()
        )
    (report,) = reports.values()
    return _answer(report)


def describe(app: FastAPI) -> None:
    """Put the schemas of the doctor's documents into the API's document."""
    document = app.openapi

    def described() -> dict[str, Any]:
        made = document()
        kinds = (DoctorReport, DoctorExplanation)
        _refs, schemas = msgspec.json.schema_components(kinds, ref_template=_REF)
        known = made.setdefault("components", {}).setdefault("schemas", {})
        known.update({f"doctor.{name}": schema for name, schema in schemas.items()})
        return made

    app.openapi = described  # type: ignore[method-assign]  # FastAPI's own way to extend it


async def _receive(request: Request, given: Folder, name: str) -> None:
    """Written to a file as it comes: a bundle need not fit into memory."""
    stream = request.stream()
    piece = await anext(stream, b"")
    if not piece:
        return
    left = MOST_BYTES
    with given.place(name, _announced(request)).open("wb") as file:
        while piece:
            left -= len(piece)
            if left < 0:
                raise RequestTooLarge(most=MOST_BYTES)
            file.write(piece)
            piece = await anext(stream, b"")


def _announced(request: Request) -> int:
    """What does not say its length was read already, and is as long as anything may be."""
    return int(request.headers.get("content-length", ANYBODY))


def _answer(told: DoctorReport | DoctorExplanation) -> Response:
    # What stood in a log may be no text; it shows as escapes rather than as a crash.
    text = msgspec.json.encode(told).decode("utf-8", "backslashreplace")
    return Response(text, media_type="application/json")
