"""What this server process says to the others on its database, while it runs."""

import contextlib
from collections.abc import Iterator

from holdfast.app.control.neighbours import CHANNEL, Neighbours
from holdfast.app.control.plane import Plane
from holdfast.app.control.unlocking import redeemed
from holdfast.catalog.notices import LONGEST, Notices


@contextlib.contextmanager
def neighbouring(plane: Plane) -> Iterator[None]:
    """SQLite is one server's own: there are no others."""
    if plane.database.is_sqlite:
        yield
        return
    notices = Notices(plane.database, CHANNEL)
    neighbours = Neighbours(
        notices,
        plane.desk,
        plane.authority,
        keeper=lambda ticket, reader: redeemed(plane, ticket, reader_id=reader),
        clock=plane.clock,
        piece=LONGEST,
    )
    with contextlib.closing(neighbours), notices.heard_by(neighbours.hear):
        plane.desk.elsewhere = neighbours
        try:
            yield
        finally:
            plane.desk.elsewhere = None
