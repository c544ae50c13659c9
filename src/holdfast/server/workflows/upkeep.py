"""What has to be looked at again and again, once for all servers together.

The engine gives each moment of a schedule one workflow, however many servers there are. A step
that goes wrong is logged and costs nothing but its turn: the next one comes.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from dbos import DBOS

from holdfast.app.control.cleaning import clean
from holdfast.app.control.job_watch import give_up_silent
from holdfast.server.workflows import ordering
from holdfast.server.workflows.holding import held, plane

_log = logging.getLogger(__name__)


@DBOS.workflow(name="every-minute")
def every_minute(_moment: datetime, _context: Any) -> None:
    _step("silent machines", _give_up_silent)
    _step("unwatched jobs", ordering.watch_all)


@DBOS.workflow(name="every-day")
def every_day(_moment: datetime, _context: Any) -> None:
    _step("clean", _clean)
    _step("finished workflows", ordering.forget_finished)


# Moments in UTC; an odd minute keeps out of the crowd at the full hour.
Scheduled = Callable[[datetime, Any], None]
SCHEDULES: tuple[tuple[str, Scheduled, str], ...] = (
    ("holdfast-every-minute", every_minute, "* * * * *"),
    ("holdfast-every-day", every_day, "23 3 * * *"),
)


def _step(name: str, act: Callable[[], Any]) -> Any:
    def attempt() -> Any:
        try:
            return act()
        except Exception:
            _log.exception("upkeep: %s", name)
            return None

    return DBOS.run_step({"name": name}, attempt)


def _give_up_silent() -> int:
    return give_up_silent(plane(), silence=held().limits.silence)


def _clean() -> dict[str, int]:
    return clean(plane())
