from collections.abc import Callable
from datetime import timedelta

import pytest

from holdfast.base.ids import FileId, LockId
from holdfast.storage.memory import MemoryStorage
from holdfast.testing.clock import FakeClock
from holdfast.testing.vaults import identity, small_vault
from holdfast.vault.errors import LockLost, VaultLocked
from holdfast.vault.held_lock import HeldLock
from holdfast.vault.layout import LOCKS
from holdfast.vault.liveness import Machine
from holdfast.vault.lock_file import Lock, ProcessMark
from holdfast.vault.locks import Locks
from holdfast.vault.policy.lock_verdict import Process

MINUTE = timedelta(minutes=1)


class Elsewhere(Machine):
    """A machine that knows what it is told, by host name."""

    def __init__(self, hostname: str) -> None:
        super().__init__(hostname)
        self.known: dict[str, Process] = {}

    def mark(self, pid: int) -> ProcessMark | None:  # noqa: ARG002  the signature is fixed
        return None

    def process(self, lock: Lock) -> Process:
        return self.known.get(lock.stored.hostname, Process.UNKNOWN)


class World:
    """One vault and the hosts that lock it, each with a clock of its own."""

    def __init__(self) -> None:
        self.storage = MemoryStorage()
        self.files = small_vault(self.storage).files

    def host(self, name: str, clock: FakeClock | None = None) -> Locks:
        return Locks(
            self.files,
            identity=identity(name),
            clock=clock or FakeClock(),
            machine=self.machine(name),
        )

    def machine(self, name: str) -> Elsewhere:
        return Elsewhere(name)

    def names(self) -> list[LockId]:
        return [LockId(name) for name in self.files.names(LOCKS)]


@pytest.fixture
def world() -> World:
    return World()


def test_many_may_share(world: World) -> None:
    world.host("alpha").acquire()
    world.host("beta").acquire()

    assert len(world.names()) == 2


@pytest.mark.parametrize(("first", "second"), [(True, False), (False, True), (True, True)])
def test_an_exclusive_lock_stands_alone(world: World, first: bool, second: bool) -> None:
    world.host("alpha").acquire(exclusive=first)

    with pytest.raises(VaultLocked, match="ada@alpha"):
        world.host("beta").acquire(exclusive=second)

    assert len(world.names()) == 1


def test_a_released_lock_leaves_nothing(world: World) -> None:
    lock = world.host("alpha").acquire(exclusive=True)

    lock.release()

    assert world.names() == []


def test_two_who_write_at_once_see_each_other(world: World) -> None:
    class Racing(FakeClock):
        """While one host waits for its lock to settle, another writes one."""

        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            take(world, "beta", exclusive=True)

    with pytest.raises(VaultLocked, match="ada@beta"):
        world.host("alpha", Racing()).acquire(exclusive=True)

    assert len(world.names()) == 1


def test_waiting_tells_for_whom_and_ends_with_the_lock(world: World) -> None:
    other = world.host("alpha").acquire(exclusive=True)
    seen: list[str] = []

    def waiting(lock: Lock) -> None:
        seen.append(lock.stored.hostname)
        if len(seen) == 3:
            other.release()

    world.host("beta").acquire(wait=MINUTE, waiting=waiting)

    assert seen == ["alpha"] * 3


def test_waiting_ends_when_it_was_promised(world: World) -> None:
    world.host("alpha").acquire(exclusive=True)
    clock = FakeClock()

    with pytest.raises(VaultLocked):
        world.host("beta", clock).acquire(wait=MINUTE)

    assert clock.monotonic() == pytest.approx(60, abs=1)


@pytest.mark.parametrize("exclusive", [False, True])
def test_the_lock_of_a_process_that_ended_is_no_obstacle(world: World, exclusive: bool) -> None:
    world.host("alpha").acquire(exclusive=True)
    machine = world.machine("alpha")
    machine.known["alpha"] = Process.GONE

    late = Locks(world.files, identity=identity(), clock=FakeClock(), machine=machine)
    late.acquire(exclusive=exclusive)

    assert len(world.names()) == 1


class Ticking(FakeClock):
    """A clock that goes on while one looks at it, as real ones do."""

    def monotonic(self) -> float:
        self._elapsed += 0.001
        return super().monotonic()


def test_an_old_lock_of_another_host_is_watched_then_removed(world: World) -> None:
    world.host("alpha").acquire(exclusive=True)
    clock = Ticking()
    clock.jump(31 * MINUTE)

    world.host("beta", clock).acquire(exclusive=True)

    assert 7 * 60 <= clock.monotonic() < 8 * 60
    assert [lock.stored.hostname for lock in world.host("gamma").found()] == ["beta"]


def test_a_clock_hours_ahead_does_not_kill_the_living(world: World) -> None:
    theirs, ours = FakeClock(), FakeClock()
    living = world.host("alpha", theirs).acquire(exclusive=True)
    ours.jump(timedelta(hours=5))

    with pytest.raises(VaultLocked):
        world.host("beta", ours).acquire(
            exclusive=True, wait=90 * MINUTE, waiting=in_step(theirs, ours, living)
        )

    living.check()


def test_a_clock_hours_behind_does_not_kill_the_living(world: World) -> None:
    theirs, ours = FakeClock(), FakeClock()
    living = world.host("alpha", theirs).acquire(exclusive=True)
    ours.jump(timedelta(hours=-5))

    with pytest.raises(VaultLocked):
        world.host("beta", ours).acquire(
            exclusive=True, wait=90 * MINUTE, waiting=in_step(theirs, ours, living)
        )

    living.check()


def in_step(theirs: FakeClock, ours: FakeClock, lock: HeldLock) -> Callable[[Lock], None]:
    """Let the holder live through the same time as the one who waits."""

    def waiting(_: Lock) -> None:
        theirs.sleep(ours.monotonic() - theirs.monotonic())
        lock.tend()

    return waiting


def test_a_dead_lock_from_the_future_goes_after_half_an_hour_of_watching(world: World) -> None:
    ahead = FakeClock()
    ahead.jump(timedelta(days=300))
    world.host("alpha", ahead).acquire(exclusive=True)
    clock = FakeClock()

    world.host("beta", clock).acquire(wait=40 * MINUTE)

    assert 30 * 60 <= clock.monotonic() < 31 * 60


@pytest.mark.parametrize("content", [b"", b"no lock at all" * 10])
def test_what_is_no_lock_blocks_nobody(world: World, content: bytes) -> None:
    world.storage.put(f"{LOCKS}/{'a' * 64}", content)

    world.host("alpha").acquire(exclusive=True)

    assert len(world.names()) == 2


def test_a_renewal_changes_the_name_and_leaves_one_file(world: World) -> None:
    clock = FakeClock()
    lock = world.host("alpha", clock).acquire()
    before = world.names()

    clock.sleep(299)
    lock.tend()
    early = world.names()
    clock.sleep(2)
    lock.tend()

    assert early == before
    assert len(world.names()) == 1
    assert world.names() != before


def test_a_holder_that_could_not_renew_stops(world: World) -> None:
    clock = FakeClock()
    lock = world.host("alpha", clock).acquire()
    clock.sleep(22 * 60)
    lock.check()

    clock.sleep(31)

    with pytest.raises(LockLost):
        lock.check()


def test_a_holder_whose_file_was_removed_stops(world: World) -> None:
    clock = FakeClock()
    lock = world.host("alpha", clock).acquire()
    world.host("beta").remove_all()
    clock.sleep(301)

    lock.tend()

    with pytest.raises(LockLost):
        lock.check()
    assert world.names() == []


def test_a_jump_of_the_clock_alone_loses_no_lock(world: World) -> None:
    clock = FakeClock()
    lock = world.host("alpha", clock).acquire()

    clock.jump(timedelta(days=-400))
    lock.check()
    clock.jump(timedelta(days=900))
    lock.check()

    assert len(world.names()) == 1


def test_after_a_long_sleep_a_removed_lock_is_noticed_at_once(world: World) -> None:
    clock = FakeClock()
    lock = world.host("alpha", clock).acquire()
    world.host("beta").remove_all()

    clock.jump(timedelta(hours=8))

    with pytest.raises(LockLost):
        lock.check()


def test_our_own_shared_lock_is_not_in_the_way_of_our_exclusive_one(world: World) -> None:
    host = world.host("alpha")
    shared = host.acquire()

    both = host.acquire(exclusive=True, beside=shared)

    assert both.exclusive
    assert len(world.names()) == 2


def test_unlock_removes_the_dead_and_keeps_the_doubtful(world: World) -> None:
    world.host("alpha").acquire()
    world.host("beta").acquire()
    world.storage.put(f"{LOCKS}/{'a' * 64}", b"")
    machine = world.machine("gamma")
    machine.known["alpha"] = Process.GONE
    locks = Locks(world.files, identity=identity("gamma"), clock=FakeClock(), machine=machine)

    removed, kept = locks.remove_stale()

    assert removed == 2
    assert [lock.stored.hostname for lock in kept] == ["beta"]
    assert locks.remove_all() == 1


def test_a_lock_of_stock_restic_is_read(world: World) -> None:
    content = b'{"time":"2026-01-01T12:00:00.123456789+01:00","exclusive":true,"hostname":"h",'
    content += b'"username":"root","pid":12}'
    name = world.files.save(LOCKS, content)

    (found,) = world.host("alpha").found()

    assert found.id == LockId(FileId(name))
    assert found.stored.exclusive
    assert found.holder == "root@h, process 12"


def take(world: World, name: str, *, exclusive: bool) -> None:
    """Write a lock without looking at those of others."""
    if len(world.names()) < 2:
        HeldLock.take(
            world.files,
            identity=identity(name),
            clock=FakeClock(),
            mark=None,
            exclusive=exclusive,
        )
