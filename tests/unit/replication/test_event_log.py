"""The log of a replication: kept in bounds, readable after a power cut, and never in the way."""

from pathlib import Path

import pytest

from holdfast.replication import event_log
from holdfast.replication.event_log import EventLog, Kind, read_log, set_tracing
from holdfast.testing.clock import FakeClock
from tests.unit.replication.observing import NOON


@pytest.fixture
def log(tmp_path: Path) -> EventLog:
    return EventLog(tmp_path, FakeClock(NOON))


def _read(folder: Path) -> list[str]:
    return [entry.what for entry in read_log(folder)]


def test_what_happened_is_read_in_its_order(log: EventLog, tmp_path: Path) -> None:
    log.write(Kind.STATE, "replicating", why="copy-done")
    log.write(Kind.POINT, "holdfast-1", size=7)

    first, second = read_log(tmp_path)

    assert (first.kind, first.what, first.why, first.at) == (
        Kind.STATE,
        "replicating",
        "copy-done",
        NOON,
    )
    assert (second.kind, second.bytes) == (Kind.POINT, 7)


def test_a_line_that_was_torn_hides_no_other(log: EventLog, tmp_path: Path) -> None:
    log.write(Kind.POINT, "before")
    with (tmp_path / event_log.NEWEST).open("ab") as torn:
        torn.write(b'{"at":"2026-')

    EventLog(tmp_path, FakeClock(NOON)).write(Kind.POINT, "after")

    assert _read(tmp_path) == ["before", "after"]


def test_it_grows_to_twice_its_length_and_no_further(
    log: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "_LONGEST", 1000)

    for number in range(100):
        log.write(Kind.POINT, f"point {number}")

    kept = _read(tmp_path)
    assert kept[-1] == "point 99"
    assert kept == [f"point {number}" for number in range(100 - len(kept), 100)]
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 2500


def test_steps_are_written_while_it_is_traced(log: EventLog, tmp_path: Path) -> None:
    log.trace("before")
    set_tracing(tmp_path, is_on=True)
    log.trace("sealed")
    set_tracing(tmp_path, is_on=False)
    log.trace("after")

    assert _read(tmp_path) == ["sealed"]


def test_a_folder_that_is_gone_stops_nothing(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "gone", FakeClock(NOON))

    log.write(Kind.POINT, "lost")

    assert _read(tmp_path / "gone") == []
