"""Cycles of all kinds, round by round, and what others need for the same."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from time import perf_counter

from bench.questions import US, Sample
from bench.replication_pair import PIECE, Ground, dirty, rsync_daemon, seconds
from bench.replication_report import (
    DIRTY,
    IDEAL,
    MACHINES_AT_ONCE,
    NO_CYCLES,
    RSYNC,
    SIZES,
)
from holdfast.testing.guests import Guest, Recipe
from holdfast.testing.still_machine import StillMachine

_MB = 1_000_000
_MIB = 1 << 20
_GIB = 1 << 30
_SMALL = 4096
_SMALL_WRITTEN = 2 * _MIB
_SLOW_MBIT = 100
_SLOW_DIRTY = 50 * _MB
_EACH_AT_ONCE = 32 * _MIB
# In MiB, behind the file system of the second disk; the guest's memory has a part of it.
_WRITTEN, _NOISE = 64, 16


@dataclass(slots=True, kw_only=True)
class ReplicationRounds:
    ground: Ground
    say: Callable[[str], None]
    samples: list[Sample]

    def run(self, rounds: int) -> None:
        with self.ground.still(_GIB) as machine:
            for turn in range(rounds):
                self._amounts(machine, turn)
                self._small(machine, turn)
                self._slow(machine, turn)
        for size in SIZES:
            with self.ground.still(size * _GIB) as machine:
                for turn in range(rounds):
                    dirty(machine, PIECE, seed=turn)
                    self._note(f"size {size}", US, turn, self._cycle(machine)[0])
        for count in MACHINES_AT_ONCE:
            self._at_once(count, rounds)
        self._guest(rounds)

    def _amounts(self, machine: StillMachine, turn: int) -> None:
        written = shipped = 0
        for amount in DIRTY:
            written += dirty(machine, amount * _MB, seed=100 * turn + amount)
            took, on_wire = self._cycle(machine)
            shipped += on_wire
            self._note(f"dirty {amount}", US, turn, took)
        self._note("shipped", US, turn, shipped / written)

    def _small(self, machine: StillMachine, turn: int) -> None:
        written = dirty(machine, _SMALL_WRITTEN, seed=turn, piece=_SMALL)
        self._note("shipped small", US, turn, self._cycle(machine)[1] / written)

    def _slow(self, machine: StillMachine, turn: int) -> None:
        """We and rsync bring the same changes, one after the other."""
        ground = self.ground
        folder = ground.south.folder / "rsync"
        with rsync_daemon(ground.south, folder) as address:
            # It has what the image was before, as a file of the same kind.
            self._rsync(machine, address)
            written = dirty(machine, _SLOW_DIRTY, seed=1000 + turn)
            machine.domain.suspend()
            with ground.slow_link(_SLOW_MBIT):
                self._note("slow link", US, turn, self._cycle(machine)[0])
                self._note("slow link", RSYNC, turn, self._rsync(machine, address))
            machine.domain.resume()
        self._note("slow link", IDEAL, turn, written * 8 / (_SLOW_MBIT * _MB))

    def _rsync(self, machine: StillMachine, address: str) -> float:
        path = machine.disks["vda"].path
        start = perf_counter()
        # Over a network its own method is to read both copies and to send what differs.
        self.ground.north.run("rsync", "--inplace", "--no-whole-file", path, address)
        return perf_counter() - start

    def _at_once(self, count: int, rounds: int) -> None:
        with ExitStack() as stack:
            machines = [
                stack.enter_context(self.ground.still(2 * _EACH_AT_ONCE)) for _ in range(count)
            ]
            for turn in range(rounds):
                for number, machine in enumerate(machines):
                    dirty(machine, _EACH_AT_ONCE, seed=100 * turn + number)
                cycles = self.ground.cycles([machine.uuid for machine in machines])
                begun = min(each.begun for each in cycles if each.begun)
                acked = max(each.acked for each in cycles if each.acked)
                took = (acked - begun).total_seconds()
                carried = sum(each.shipped_bytes for each in cycles)
                self._note(f"at once {count}", US, turn, carried / took / _MB)

    def _guest(self, rounds: int) -> None:
        ground = self.ground
        guest = Guest(ground.north, "writes", Recipe(disk_size=(2 * _WRITTEN) * _MIB))
        try:
            guest.start()
            with ground.enabled(guest.name, guest.uuid):
                # Room for them is made once.
                _write(guest)
                for turn in range(rounds):
                    self._note("guest writes", NO_CYCLES, turn, _write(guest))
                    self._note("guest writes", US, turn, self._followed_writes(guest))
        finally:
            guest.remove()

    def _followed_writes(self, guest: Guest) -> float:
        with self.ground.cycling(guest.uuid):
            return _write(guest)

    def _cycle(self, machine: StillMachine) -> tuple[float, int]:
        (cycle,) = self.ground.cycles([machine.uuid])
        return seconds(cycle), cycle.shipped_bytes

    def _note(self, work: str, who: str, turn: int, value: float) -> None:
        self.samples.append(Sample(work=work, contender=who, round=turn, value=value))
        self.say(f"{work} round {turn + 1}: {who} {value:.3f}")


def _write(guest: Guest) -> float:
    """Seconds, by the guest's own clock, that writing noise past all caches takes."""
    said = guest.run(
        f"[ -e /noise ] || dd if=/dev/urandom of=/noise bs={_MIB} count={_NOISE} 2>/dev/null; "
        "read start _ </proc/uptime; "
        f"for part in $(seq 0 {_WRITTEN // _NOISE - 1}); do "
        f"dd if=/noise of=/dev/vdb bs={PIECE} seek=$((({_WRITTEN} + part * {_NOISE}) * 16)) "
        "oflag=direct conv=notrunc 2>/dev/null || exit 1; done; "
        "read end _ </proc/uptime; echo $start $end"
    )
    start, end = map(float, said.split())
    return end - start
