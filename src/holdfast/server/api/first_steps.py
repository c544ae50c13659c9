"""How far a newcomer has come."""

from fastapi import APIRouter

from holdfast.app.control import first_steps
from holdfast.app.control.first_steps import FirstSteps
from holdfast.server.callers import Person, ThePlane

router = APIRouter(tags=["overview"])


@router.get("/first-steps")
def show(plane: ThePlane, person: Person) -> FirstSteps:
    """The first steps in their order, with what is done of them."""
    return first_steps.first_steps(plane, person)
