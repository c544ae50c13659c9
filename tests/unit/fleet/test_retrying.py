"""One ladder for whoever tries again: server, agent and policies."""

from datetime import timedelta

from holdfast.fleet.policies import propose
from holdfast.fleet.retrying import LADDER, wait_after


def test_waits_grow_and_then_stay() -> None:
    waits = [wait_after(failures) for failures in (1, 2, 3, 4, 5, 6, 7, 50)]

    assert waits == [timedelta(minutes=minutes) for minutes in (1, 2, 4, 8, 10, 30, 30, 30)]


def test_a_ladder_of_ones_own_is_followed_likewise() -> None:
    own = (timedelta(seconds=5), timedelta(hours=1))

    waits = [wait_after(failures, own) for failures in (1, 2, 3)]

    assert waits == [own[0], own[1], own[1]]


def test_a_policy_that_says_nothing_waits_like_everybody() -> None:
    assert propose().waits == LADDER
