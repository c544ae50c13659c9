"""Old samples become fewer in turns, none of which holds the database for long."""

from collections.abc import Callable
from datetime import datetime

from holdfast.app.control.plane import Plane
from holdfast.catalog.database import Session

# What was missed while no server ran is thinned at the next occasions.
_AT_ONCE = 48


def thin_in_turns(plane: Plane, thin: Callable[[Session, datetime], int], before: datetime) -> int:
    """`thin` takes the oldest stretch that ends before, and says how many it took; 0: none."""
    done = 0
    for _turn in range(_AT_ONCE):
        with plane.database.write() as db:
            found = thin(db, before)
        if not found:
            break
        done += found
    return done
