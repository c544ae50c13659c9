"""What has to be looked at again and again, once for all servers together.

The engine gives each moment of a schedule one workflow, however many servers there are. A step
that goes wrong is logged and costs nothing but its turn: the next one comes.
"""

import contextvars
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from dbos import DBOS

from holdfast.app.control import (
    alert_sending,
    alert_summaries,
    alert_watch,
    purging,
    recounting,
    recovery_watch,
    replication_watch,
    vault_removal,
)
from holdfast.app.control.cleaning import clean
from holdfast.app.control.job_watch import give_up_forgotten, give_up_silent
from holdfast.app.control.reports import room_watch, sampling
from holdfast.app.control.sweeping import sweep_vaults
from holdfast.fleet.jobs import Kind
from holdfast.server.workflows import ordering
from holdfast.server.workflows.holding import held, plane

_log = logging.getLogger(__name__)
# So that a step is over in seconds even on a slow store.
_FILES = 1000
_MOST_SLICES = 500


@DBOS.workflow(name="every-minute")
def every_minute(_moment: datetime, _context: Any) -> None:
    _step("silent machines", _give_up_silent)
    _step("forgotten jobs", _give_up_forgotten)
    _step("unwatched jobs", ordering.watch_all)
    _step("watch for alerts", _watch_for_alerts)
    _step("watch replications", _watch_replications)
    _step("watch recoveries", _watch_recoveries)
    _step("send alerts", send_alerts)
    _step("summaries", _send_summaries)
    _step("weekly summaries", _send_weeklies)


@DBOS.workflow(name="every-hour")
def every_hour(_moment: datetime, _context: Any) -> None:
    _step("vaults to remove", _remove_vaults)
    _step("samples of replications", _thin_samples)
    _step("samples of vaults", _sample_vaults)
    _step("room of vaults", _watch_room)
    for purge in (_purge_trash, _purge_repositories):
        for _slice in range(_MOST_SLICES):
            if _step(purge.__name__, purge) != _FILES:
                break


@DBOS.workflow(name="every-day")
def every_day(_moment: datetime, _context: Any) -> None:
    _step("clean", _clean)
    _step("finished workflows", ordering.forget_finished)
    _step("sweep", _sweep_vaults)
    _step("recount", _recount)


@DBOS.workflow(name="after-a-crash")
def after_a_crash() -> None:
    """What a server had stored and not yet counted when it died."""
    _step("recount", _recount)


# Moments in UTC; an odd minute keeps out of the crowd at the full hour.
Scheduled = Callable[[datetime, Any], None]
SCHEDULES: tuple[tuple[str, Scheduled, str], ...] = (
    ("holdfast-every-minute", every_minute, "* * * * *"),
    ("holdfast-every-hour", every_hour, "17 * * * *"),
    ("holdfast-every-day", every_day, "23 3 * * *"),
)


def _step(name: str, act: Callable[[], Any]) -> Any:
    def attempt() -> Any:
        try:
            # Outside of the engine's own context: inside a step it begins no other workflows.
            return contextvars.Context().run(act)
        except Exception:
            _log.exception("upkeep: %s", name)
            return None

    return DBOS.run_step({"name": name}, attempt)


def _give_up_forgotten() -> int:
    return give_up_forgotten(plane())


def _give_up_silent() -> int:
    return give_up_silent(plane(), silence=held().limits.silence)


def _watch_for_alerts() -> int:
    return alert_watch.watch(plane(), held().limits.alerts)


def _watch_replications() -> int:
    return replication_watch.watch(plane())


def _watch_recoveries() -> int:
    return recovery_watch.watch(plane())


def _thin_samples() -> int:
    return replication_watch.thin(plane())


def _sample_vaults() -> int:
    return sampling.sample_vaults(plane()) + sampling.thin_samples(plane())


def _watch_room() -> int:
    return room_watch.watch_room(plane())


def send_alerts() -> int:
    return alert_sending.send_waiting(plane(), _send())


def _send() -> alert_sending.Send:
    from holdfast.server.notifying import sender  # its hundred services take a while to import

    return sender(plane().webhooks.refuses)


def _send_summaries() -> int:
    return alert_summaries.send_summaries(plane(), _send())


def _send_weeklies() -> int:
    from holdfast.app.control.reports import weekly_mail

    return weekly_mail.send_weeklies(plane(), _send())


def _purge_trash() -> int:
    return purging.purge_trash(plane(), plane().clock.now(), _FILES)


def _purge_repositories() -> int:
    return purging.purge_repositories(plane(), plane().clock.now(), _FILES)


def _remove_vaults() -> int:
    made = vault_removal.order_due(plane())
    for job_id in made:
        ordering.watch(job_id, Kind.DELETE_VAULT.value)
    return len(made)


def _clean() -> dict[str, int]:
    return clean(plane())


def _sweep_vaults() -> int:
    return sweep_vaults(plane())


def _recount() -> int:
    return recounting.recount_all(plane())
