"""Whatever is logged comes out again, merged or not; whatever becomes of the file, never anything else."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.base.errors import HoldfastError
from holdfast.base.units import KIB
from holdfast.machines.points import Rung
from holdfast.replication.log_errors import LogDamaged, LogTorn
from holdfast.replication.log_head import LoggedDisk
from holdfast.replication.log_reader import files, parts, read_head, verify
from holdfast.replication.log_writer import LogWriter, SealedLog
from holdfast.replication.merging import merge
from tests.log_bench import NOON, generation, head

# No divisor of the block in which zeroes are looked for.
UNIT = 24 * KIB
MOST_UNITS = 100
NOISE = os.urandom(UNIT)

Disks = dict[str, bytes]


@dataclass(frozen=True)
class Change:
    """`fill` 0: logged as data of zeroes; None: as zeroes; 255: noise."""

    start: int
    units: int
    fill: int | None

    def content(self, size: int) -> bytes:
        length = max(0, min(self.units * UNIT, size - self.start * UNIT))
        unit = NOISE if self.fill == 255 else bytes([self.fill or 0]) * UNIT
        return (unit * self.units)[:length]


@dataclass(frozen=True)
class Written:
    size: int
    rung: Rung
    changes: tuple[Change, ...]


changes = st.builds(
    Change,
    start=st.integers(0, MOST_UNITS),
    units=st.integers(1, 12) | st.just(60),
    fill=st.none() | st.sampled_from([0, 1, 2, 255]),
)
# Not only whole blocks.
sizes = st.integers(MOST_UNITS * UNIT // 1024, MOST_UNITS * UNIT // 512).map(
    lambda sectors: sectors * 512
)
disks = st.builds(
    Written,
    size=sizes,
    rung=st.sampled_from([Rung.BITMAP, Rung.HASH, Rung.FULL]),
    changes=st.lists(changes, min_size=2, max_size=12).map(lambda found: tuple(apart(found))),
)
machines = st.dictionaries(st.sampled_from(["vda", "vdb"]), disks, min_size=1)


def apart(found: list[Change]) -> Iterator[Change]:
    """In the order of their offsets, without those that lie on one before."""
    end = 0
    for change in sorted(found, key=lambda each: each.start):
        if change.start >= end:
            end = change.start + change.units
            yield change


def write(path: Path, number: int, machine: dict[str, Written], had: set[str]) -> SealedLog:
    """A step from one generation to the next; a disk that was not there before is logged in full."""
    logged = tuple(
        LoggedDisk(target=target, size=disk.size, rung=disk.rung if target in had else Rung.FULL)
        for target, disk in machine.items()
    )
    with LogWriter(path, head(number, disks=logged)) as log:
        log.file("domain.xml", f"<domain id='{number}'/>".encode())
        for target, disk in machine.items():
            for change in disk.changes:
                content = change.content(disk.size)
                if change.fill is None:
                    log.zero(target, change.start * UNIT, len(content))
                else:
                    log.data(target, change.start * UNIT, content)
        return log.seal()


def applied(path: Path, before: Disks) -> Disks:
    """What a replica becomes."""
    after: dict[str, bytearray] = {}
    for disk in read_head(path).disks:
        old = b"" if disk.rung is Rung.FULL else before[disk.target]
        after[disk.target] = bytearray(old[: disk.size].ljust(disk.size, b"\0"))
    for target, offset, length, content in parts(path):
        after[target][offset : offset + length] = content or bytes(length)
    return {target: bytes(content) for target, content in after.items()}


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="holdfast-logs-") as name:
        yield Path(name)


@settings(deadline=None, max_examples=60)
@given(machine=machines)
def test_what_is_logged_is_what_comes_out(machine: dict[str, Written]) -> None:
    with folder() as place:
        sealed = write(place / "1.log", 1, machine, set())

        found = applied(place / "1.log", {})

        for target, disk in machine.items():
            expected = bytearray(disk.size)
            for change in disk.changes:
                content = change.content(disk.size)
                expected[change.start * UNIT : change.start * UNIT + len(content)] = content
            assert found[target] == expected
        assert verify(place / "1.log") == sealed


@settings(deadline=None, max_examples=120)
@given(first=machines, steps=st.lists(machines, min_size=2, max_size=4))
def test_a_merged_log_does_what_its_parts_do(
    first: dict[str, Written], steps: list[dict[str, Written]]
) -> None:
    base = {target: (NOISE * MOST_UNITS)[: disk.size] for target, disk in first.items()}
    with folder() as place:
        had, expected = set(first), base
        for number, machine in enumerate(steps):
            write(place / f"{number}.log", number, machine, had)
            had, expected = set(machine), applied(place / f"{number}.log", expected)

        merged = place / "0.log"
        for number in range(1, len(steps)):
            # Onto the name of one of them, as a queue does.
            assert merge(merged, place / f"{number}.log", merged) == verify(merged)

        assert applied(merged, base) == expected
        found = read_head(merged)
        assert (found.since, found.until) == (generation(0), generation(len(steps)))
        assert found.taken_at == NOON + timedelta(minutes=len(steps) - 1)
        assert files(merged) == files(place / f"{len(steps) - 1}.log")


@settings(deadline=None, max_examples=60)
@given(machine=machines, data=st.data())
def test_a_torn_or_damaged_log_gives_nothing_that_was_not_put_in(
    machine: dict[str, Written], data: st.DataObject
) -> None:
    with folder() as place:
        path = place / "1.log"
        write(path, 1, machine, set())
        whole, good = path.read_bytes(), list(parts(path))

        for _time in range(8):
            cut = data.draw(st.integers(0, len(whole) - 1))
            path.write_bytes(whole[:cut])
            with pytest.raises(LogTorn):
                verify(path)
            assert given_out(path) == []

            at, bit = data.draw(st.integers(0, 8 * len(whole) - 1).map(lambda n: divmod(n, 8)))
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :])
            with pytest.raises(LogDamaged):
                verify(path)
            assert given_out(path) == good[: len(given_out(path))]


def given_out(path: Path) -> list[object]:
    """What is read before it is refused."""
    found: list[object] = []
    with contextlib.suppress(HoldfastError):
        found.extend(parts(path))
    return found
