"""What jobs about replications may be told, and what they work on."""

from typing import Any

import pytest

from holdfast.fleet.arguments import asked_again, read_arguments, source_of
from holdfast.fleet.jobs import Kind
from holdfast.fleet.virtual_machines import is_of_replication, is_of_vm


def test_only_what_was_said_is_sent() -> None:
    told = read_arguments(
        Kind.REPLICATE, {"vm": "db", "to": "south", "every": "30s", "priority": 0}
    )

    assert told == {"vm": "db", "to": "south", "every": "30s", "priority": 0}


@pytest.mark.parametrize(
    "wrong",
    [
        {"every": "7m"},
        {"points": 0},
        {"points": 16 * 24},
        {"to": ""},
        {"vm": "*"},
        {"seed": "a\nb"},
        {"limits": ["x" * 501]},
        {"priority": "high"},
        {"hook": "rm"},
    ],
)
def test_a_slip_of_the_pen_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  each says something else
        read_arguments(Kind.REPLICATE, {"vm": "db", "to": "south", **wrong})


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        (Kind.REPLICATE, "replication:db"),
        (Kind.RESYNC_REPLICATION, "replication:db"),
        (Kind.END_REPLICATION, "replication:db"),
        # Whatever it is doing, it can be paused.
        (Kind.PAUSE_REPLICATION, "replication-pause:db"),
        (Kind.RESUME_REPLICATION, "replication-pause:db"),
    ],
)
def test_a_machine_is_backed_up_while_it_is_replicated(kind: Kind, source: str) -> None:
    found = source_of(kind, {"vm": "db"})

    assert found == source
    assert is_of_replication(found)
    assert not is_of_vm(found)


def test_the_same_can_be_asked_for_once_more() -> None:
    noted = {**read_arguments(Kind.END_REPLICATION, {"vm": "db"}), "noted": "by an agent"}

    assert asked_again(Kind.END_REPLICATION, noted) == {"vm": "db", "keep_replica": False}
