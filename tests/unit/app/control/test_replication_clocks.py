"""Times of a host whose clock is wrong, as the server takes them."""

import types
import typing
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from holdfast.app.control.replication_judging import by_our_clock
from holdfast.replication.settings import Paused
from holdfast.replication.status import (
    Happening,
    Health,
    Reason,
    ReplicationStatus,
    Resync,
    State,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
AHEAD = timedelta(hours=1)


def _moments(struct: type) -> list[str]:
    """Its fields that are times."""
    hints = typing.get_type_hints(struct)
    return [name for name, hint in hints.items() if datetime in (hint, *_parts(hint))]


def _parts(hint: object) -> tuple[object, ...]:
    return typing.get_args(hint) if isinstance(hint, types.UnionType) else ()


@pytest.mark.parametrize("struct", [ReplicationStatus, Reason, Happening, Resync, Paused])
def test_each_time_that_a_host_tells_is_by_the_clock_of_the_server(struct: type) -> None:
    names = _moments(struct)
    told = {name: (NOON + AHEAD).isoformat() for name in names}

    assert names
    assert by_our_clock(told, AHEAD) == dict.fromkeys(names, NOON.isoformat())


def test_times_within_reasons_are_by_the_clock_of_the_server_too() -> None:
    figures = {"at": NOON.isoformat(), "next_at": NOON.isoformat(), "who": "ada"}
    reason = Reason(code="failing", health=Health.WARNING, since=NOON, figures=figures)
    status = ReplicationStatus(
        vm="u-1",
        name="web",
        site="south",
        state=State.REPLICATING,
        updated_at=NOON,
        reasons=(reason,),
    )

    told = by_our_clock(msgspec.json.decode(msgspec.json.encode(status)), AHEAD)

    shifted = (NOON - AHEAD).isoformat()
    assert told["reasons"][0]["figures"] == {"at": shifted, "next_at": shifted, "who": "ada"}
