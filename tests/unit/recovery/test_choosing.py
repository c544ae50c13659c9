"""Which point is meant by what a person says."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from holdfast.machines.points import Consistency
from holdfast.recovery.act_errors import PointAmbiguous, PointUnknown
from holdfast.recovery.choosing import choose_point
from holdfast.replication.replica_facts import ReplicaPoint

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def point(minute: int, name: str, kind: Consistency = Consistency.CRASH) -> ReplicaPoint:
    taken = NOON + timedelta(minutes=minute)
    return ReplicaPoint(
        generation=name, taken_at=taken, applied_at=taken, consistency=kind, disks=()
    )


POINTS = [
    point(0, "holdfast-aaaa1", Consistency.APPLICATION),
    point(5, "holdfast-aaaa2"),
    point(10, "holdfast-bbbb1"),
]


def chosen(wish: str, *tested: str) -> str:
    return choose_point(POINTS, wish, about="web", tested=tested).generation


@pytest.mark.parametrize("wish", ["", "latest"])
def test_nothing_and_latest_mean_the_newest(wish: str) -> None:
    assert chosen(wish) == "holdfast-bbbb1"


def test_latest_app_is_the_newest_that_applications_knew_of() -> None:
    assert chosen("latest-app") == "holdfast-aaaa1"


def test_latest_tested_is_the_newest_that_a_test_has_shown() -> None:
    assert chosen("latest-tested", "holdfast-aaaa1", "holdfast-aaaa2") == "holdfast-aaaa2"


def test_without_a_tested_point_none_is_guessed() -> None:
    with pytest.raises(PointUnknown):
        chosen("latest-tested")


def test_the_beginning_of_a_name_is_enough() -> None:
    assert chosen("holdfast-b") == "holdfast-bbbb1"


def test_a_beginning_of_several_is_refused() -> None:
    with pytest.raises(PointAmbiguous) as refused:
        chosen("holdfast-aaaa")

    assert refused.value.fields["count"] == 2


def test_a_time_means_the_newest_not_after_it() -> None:
    assert chosen((NOON + timedelta(minutes=9)).isoformat()) == "holdfast-aaaa2"
    assert chosen((NOON + timedelta(minutes=5)).isoformat()) == "holdfast-aaaa2"


def test_before_the_first_point_there_is_none() -> None:
    with pytest.raises(PointUnknown):
        chosen((NOON - timedelta(minutes=1)).isoformat())


def test_a_point_that_was_written_to_is_chosen_by_nobody() -> None:
    spoiled = [*POINTS[:2], msgspec.structs.replace(POINTS[2], is_spoiled=True)]

    assert choose_point(spoiled, "latest", about="web").generation == "holdfast-aaaa2"
    with pytest.raises(PointUnknown):
        choose_point(spoiled, "holdfast-bbbb1", about="web")


@pytest.mark.parametrize("wish", ["hol", "nonsense", "2026"])
def test_what_means_nothing_is_refused(wish: str) -> None:
    with pytest.raises(PointUnknown):
        chosen(wish)
