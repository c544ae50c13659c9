import pytest

from holdfast.storage.errors import FileMissing, StorageFull, StorageUnavailable
from holdfast.storage.memory import MemoryStorage
from holdfast.testing.clock import FakeClock
from holdfast.testing.faulty_storage import (
    FaultyStorage,
    Operation,
    RecordingStorage,
    crashes,
    replay,
)

OUTAGE = StorageUnavailable(place="memory:", reason="timeout")
FULL = StorageFull(place="memory:", name="x", reason="no space")


@pytest.fixture
def memory() -> MemoryStorage:
    return MemoryStorage()


@pytest.fixture
def faulty(memory: MemoryStorage) -> FaultyStorage:
    return FaultyStorage(memory)


def test_a_fault_fires_once_and_in_order(faulty: FaultyStorage, memory: MemoryStorage) -> None:
    faulty.fail("put", OUTAGE, FULL)

    with pytest.raises(StorageUnavailable):
        faulty.put("a", b"")
    with pytest.raises(StorageFull):
        faulty.put("a", b"")
    faulty.put("a", b"")

    assert [entry.name for entry in memory.list("")] == ["a"]


def test_a_fault_may_wait_for_a_name(faulty: FaultyStorage) -> None:
    faulty.fail("put", OUTAGE, name="config")

    faulty.put("other", b"")
    assert faulty.unused() == ["put config before"]
    with pytest.raises(StorageUnavailable):
        faulty.put("config", b"")

    assert faulty.unused() == []


def test_a_lost_reply_leaves_the_work_done(faulty: FaultyStorage, memory: MemoryStorage) -> None:
    faulty.lose_reply("put", OUTAGE)

    with pytest.raises(StorageUnavailable):
        faulty.put("a", b"content")

    assert memory.get("a") == b"content"


def test_a_torn_put_leaves_a_beginning(faulty: FaultyStorage, memory: MemoryStorage) -> None:
    faulty.tear(3, OUTAGE)

    with pytest.raises(StorageUnavailable):
        faulty.put("a", b"content")

    assert memory.get("a") == b"con"


def test_a_listing_may_break_off(faulty: FaultyStorage, memory: MemoryStorage) -> None:
    for name in ("a/1", "a/2", "a/3"):
        memory.put(name, b"")
    faulty.break_off(2, OUTAGE)

    found = faulty.list("a")

    assert [next(found).name, next(found).name] == ["a/1", "a/2"]
    with pytest.raises(StorageUnavailable):
        next(found)


def test_a_delay_runs_the_clock(faulty: FaultyStorage, memory: MemoryStorage) -> None:
    clock = FakeClock()
    memory.put("a", b"content")
    faulty.delay("get", 7, clock)

    assert faulty.get("a") == b"content"
    assert clock.monotonic() == 7


def test_a_kill_comes_at_its_call(faulty: FaultyStorage, memory: MemoryStorage) -> None:
    class Killed(BaseException):
        pass

    def kill() -> None:
        raise Killed

    faulty.kill_at(3, kill)
    faulty.put("a", b"")
    faulty.size("a")
    assert faulty.unused() == ["kill at call 3"]

    with pytest.raises(Killed):
        faulty.put("b", b"")

    with pytest.raises(FileMissing):
        memory.get("b")
    assert faulty.unused() == []


def test_a_recording_holds_what_was_done(memory: MemoryStorage) -> None:
    faulty = FaultyStorage(memory)
    recording = RecordingStorage(faulty)
    faulty.fail("put", FULL, name="refused")

    recording.put("a", memoryview(b"1"))
    with pytest.raises(StorageFull):
        recording.put("refused", b"2")
    recording.delete("a")

    assert recording.operations == [Operation(name="a", content=b"1"), Operation(name="a")]


def test_a_crash_is_tried_after_each_operation() -> None:
    recording = RecordingStorage(MemoryStorage())
    recording.put("a", b"1")
    recording.put("b", b"2")
    recording.delete("a")

    left = [
        (done, [entry.name for entry in storage.list("")])
        for done, storage in crashes(recording.operations)
    ]

    assert left == [(0, []), (1, ["a"]), (2, ["a", "b"]), (3, ["b"])]


def test_crashes_may_start_from_an_older_storage() -> None:
    older = [Operation(name="config", content=b"c")]
    recorded = [Operation(name="a", content=b"1")]

    def start() -> MemoryStorage:
        storage = MemoryStorage()
        replay(older, storage)
        return storage

    left = [sorted(storage.list("")) for _done, storage in crashes(recorded, start=start)]

    assert left == [[("config", 1)], [("a", 1), ("config", 1)]]
