"""Which of the logs that wait are made one."""

from datetime import UTC, datetime
from pathlib import Path

from holdfast.replication.log_head import Kind, LogHead
from holdfast.replication.log_spool import Waiting, chain_to
from holdfast.replication.waiting_logs import pair_to_merge

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def names(count: int) -> list[str]:
    return [f"holdfast-{number:016x}" for number in range(count)]


def logs(*sizes: int, kind: Kind = Kind.STEP) -> list[Waiting]:
    known = names(len(sizes) + 1)
    return [
        Waiting(
            number=number,
            path=Path(f"{number:06d}.log"),
            head=LogHead(
                kind=kind,
                vm="vm",
                name="web",
                since=known[number - 1],
                until=known[number],
                taken_at=NOW,
                disks=(),
            ),
            size=size,
        )
        for number, size in enumerate(sizes, 1)
    ]


def test_a_few_may_wait() -> None:
    assert pair_to_merge(logs(1, 1, 1, 1)) is None


def test_the_pair_that_is_the_least_work_is_made_one() -> None:
    pair = pair_to_merge(logs(100, 50, 3, 4, 60))

    assert pair is not None
    assert (pair.older.number, pair.newer.number) == (3, 4)


def test_one_that_may_be_at_the_site_already_stays_as_it_is() -> None:
    pair = pair_to_merge(logs(1, 1, 50, 60, 70, 80), attempted=1)

    assert pair is not None
    assert pair.older.number == 2
    assert pair_to_merge(logs(1, 1, 50, 60, 70), attempted=1) is None


def test_slices_of_a_walk_are_never_merged() -> None:
    assert pair_to_merge(logs(1, 1, 1, 1, 1, 1, kind=Kind.SLICE)) is None


def test_only_what_leads_to_the_newest_counts() -> None:
    found = logs(1, 1, 1, 1)

    assert chain_to(found[-1].head.until, found) == found
    assert chain_to(found[1].head.until, found) == found[:2]
    assert chain_to("", found) == []
    # One of the middle is gone: what is before it leads nowhere.
    assert chain_to(found[-1].head.until, [*found[:1], *found[2:]]) == found[2:]
