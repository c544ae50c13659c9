"""Failures of a week, put together by what was wrong."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from holdfast.app.control.reports.causes import Failure, grouped

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)


def failure(code: str = "vault-full", **more: Any) -> Failure:
    usual: dict[str, Any] = {
        "machine": "alpha",
        "kind": "backup",
        "source": "/etc",
        "sentence": "no room",
        "remedy": "make room",
        "at": BEGIN,
        "is_over": False,
    }
    return Failure(code=code, **{**usual, **more})


def test_one_cause_is_told_once_with_all_its_machines() -> None:
    names = [f"host-{number:02}" for number in range(30)]

    (cause,) = grouped(failure(machine=name) for name in names)

    assert (cause.count, cause.machine_count) == (30, 30)
    assert cause.machines == names[:10]


def test_what_is_not_over_comes_first() -> None:
    found = grouped(
        [
            *[failure("often-but-over", is_over=True)] * 5,
            failure("once"),
            *[failure("twice")] * 2,
        ]
    )

    assert [one.code for one in found] == ["twice", "once", "often-but-over"]


def test_a_cause_is_over_when_all_that_failed_was_done_since() -> None:
    (mixed,) = grouped([failure(is_over=True), failure(machine="beta")])
    (over,) = grouped([failure(is_over=True), failure(machine="beta", is_over=True)])

    assert not mixed.is_over
    assert over.is_over


def test_the_newest_says_what_it_was() -> None:
    later = BEGIN + timedelta(days=2)

    (cause,) = grouped([failure(sentence="new", at=later), failure(sentence="old")])

    assert cause.sentence == "new"
    assert (cause.first_at, cause.last_at) == (BEGIN, later)


_FAILURES = st.lists(
    st.builds(
        failure,
        st.sampled_from("abc"),
        machine=st.sampled_from(["", "alpha", "beta"]),
        kind=st.sampled_from(["backup", "check"]),
        at=st.integers(0, 100).map(lambda hours: BEGIN + timedelta(hours=hours)),
        is_over=st.booleans(),
    )
)


@given(_FAILURES)
def test_nothing_is_lost_and_nothing_counts_twice(failures: list[Failure]) -> None:
    found = grouped(failures)

    assert sum(one.count for one in found) == len(failures)
    assert len({one.code for one in found}) == len(found)
    assert sorted(found, key=lambda one: one.is_over) == found
