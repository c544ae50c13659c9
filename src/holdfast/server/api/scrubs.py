"""The server's verification of stored files. It is started as a job of kind `scrub`."""

from fastapi import APIRouter

from holdfast.app.control import scrubbing
from holdfast.app.control.scrubbing import ScrubProgress
from holdfast.server.callers import Person, ThePlane

router = APIRouter(tags=["scrubs"])


@router.get("/machines/{machine_id}/scrub")
def show_scrub(plane: ThePlane, person: Person, machine_id: str) -> ScrubProgress:
    return scrubbing.show_scrub(plane, person, machine_id)
