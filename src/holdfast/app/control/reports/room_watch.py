"""Tells people while there is time: a vault that will be full within two weeks, as it looks now."""

from datetime import timedelta
from typing import Any

from holdfast.app.control.alerting import raise_alert
from holdfast.app.control.plane import Plane
from holdfast.app.control.reports import words
from holdfast.app.control.reports.capacity import LimitView, VaultCapacity, forecast
from holdfast.app.control.server_work import SERVER
from holdfast.catalog import alerts as alert_rows

KIND = "room-ends"
# Disks are not bought in a day.
_NOTICE = timedelta(days=14)


def watch_room(plane: Plane) -> int:
    """One alert for each limit that is near, closed when it no longer is; how many there are."""
    found = forecast(plane, SERVER)
    near = [
        (vault, limit)
        for vault in found.vaults
        for limit in vault.limits
        if limit.expected is not None and limit.expected - found.made_at <= _NOTICE
    ]
    with plane.database.write() as db:
        for vault, limit in near:
            raise_alert(db, plane, KIND, vault_id=vault.vault_id, fields=_fields(vault, limit))
        still = {(vault.vault_id, limit.of) for vault, limit in near}
        for alert in alert_rows.open_of(db, KIND):
            if (alert.vault_id, alert.fields.get("of")) not in still:
                alert.closed_at = plane.clock.now()
    return len(near)


def _fields(vault: VaultCapacity, limit: LimitView) -> dict[str, Any]:
    return {
        "object": vault.vault,
        "of": limit.of,
        "when": words.day(limit.expected, None),
        "used": words.size(limit.used),
        "limit": words.size(limit.limit),
    }
