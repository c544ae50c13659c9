"""A place that is in no list is refused, whatever the list is sorted by."""

import pytest

from holdfast.app.control.plane import Plane
from holdfast.fleet.paging import make_cursor
from holdfast.testing.planes import Someone, client_of

LISTS = ("problems", "jobs", "audit", "approvals", "reports/kept", "points")
# Sorted by a number, by a moment and an id, by a moment and two ids.
PLACES = (["9" * 5000], ["2026-01-06T12:00:00", "a"], ["2026-01-06T12:00:00", "a", "b"])


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("place", PLACES, ids=["number", "moment", "moment-and-two"])
def test_place_that_is_in_no_list_is_refused(
    plane: Plane, admin: Someone, path: str, place: list[str]
) -> None:
    person = client_of(plane, token=admin.token)

    reply = person.get(f"/api/v1/{path}", params={"after": make_cursor(place)})

    assert (reply.status_code, reply.json()["code"]) == (422, "cursor-not-understood")
