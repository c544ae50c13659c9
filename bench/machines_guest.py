"""A real guest: how long a cycle takes, how long it stands still, how much slower it writes."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

from bench.contenders import Holdfast, Seat
from bench.measure import Command, Usage, run
from bench.questions import US, Sample
from holdfast.base.clock import SystemClock
from holdfast.hypervisor.backup_jobs import begin_backup, end_backup
from holdfast.hypervisor.backup_xml import BackupPlan, DiskPlan
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import find_domain
from holdfast.testing.guests import Guest, Recipe
from holdfast.testing.hosts import KvmHost

LOCAL = "local disk"
NO_BACKUP = "no backup"
_MIB = 1 << 20
_DIRTY = 2 * _MIB
# Behind the file system, which has its own ideas of when to write.
_FREE_FROM = 64
_WRITTEN = 256
_PIECE = 64 << 10
_BOOTED = "bench-now"
_RECIPE = Recipe(disk_size=(_FREE_FROM + _WRITTEN) * _MIB)


@dataclass(slots=True, kw_only=True)
class GuestRounds:
    """One guest for all rounds; `scratch` is there, and its name is short enough for sockets."""

    holdfast: Holdfast
    scratch: Path
    say: Callable[[str], None]
    samples: list[Sample] = field(default_factory=list)

    def run(self, rounds: int) -> None:
        with KvmHost("bench") as host, self._seat() as seat:
            guest = Guest(host, "bench", _RECIPE)
            try:
                for turn in range(rounds):
                    self._round(guest, seat, turn)
            finally:
                guest.remove()

    @contextmanager
    def _seat(self) -> Iterator[Seat]:
        seat = Seat(folder=self.scratch / "seat-guest")
        seat.open()
        run(self.holdfast.create(seat), self._log)
        yield seat
        seat.close()

    def _round(self, guest: Guest, seat: Seat, turn: int) -> None:
        self._boot(guest, turn)
        # What a point before it has not, the next one would have to take in.
        self._back_up(guest, seat)
        self._cycle(guest, seat, turn)
        self._writes(guest, turn)
        guest.shut_down()
        self._boot_from_vault(guest, seat, turn)

    def _boot(self, guest: Guest, turn: int) -> None:
        start = perf_counter()
        guest.start()
        self._note("boot", LOCAL, turn, perf_counter() - start)

    def _boot_from_vault(self, guest: Guest, seat: Seat, turn: int) -> None:
        """The whole command, which ends when the agent has answered."""
        host = ["--host", guest.host.uri]
        new = ["--name", _BOOTED, "--pool", str(guest.host.images)]
        words = ["vm", "boot", "latest", "--json", "--vm", guest.name, *new, *host]
        try:
            usage = self._run(self.holdfast.command(seat, *words))
            up = self._told()["seconds_to_up"]
        finally:
            self._run(self.holdfast.command(seat, "vm", "boot", "--end", _BOOTED, *host))
        assert up is not None, "the agent of the machine booted from the vault did not answer"
        self._note("boot", US, turn, usage.seconds, peak_bytes=usage.peak_bytes)

    def _cycle(self, guest: Guest, seat: Seat, turn: int) -> None:
        """2 MB are new; then the whole command, from its start to its end."""
        blocks = _DIRTY // _PIECE
        guest.run(f"dd if=/dev/urandom of=/b/new bs={_PIECE} count={blocks} conv=fsync 2>/dev/null")
        told, usage = self._back_up(guest, seat)
        assert {disk["rung"] for disk in told["disks"]} == {"bitmap"}, told
        changed = sum(_changed(disk) for disk in told["disks"])
        self._note("cycle", US, turn, usage.seconds, peak_bytes=usage.peak_bytes)
        self._note("stored guest", US, turn, told["bytes_stored"] / _DIRTY)
        self.say(f"  {changed / 1e6:.1f} MB changed, {told['bytes_stored'] / 1e6:.1f} MB stored")
        if told["freeze_ms"]:
            self._note("freeze", US, turn, told["freeze_ms"])

    def _writes(self, guest: Guest, turn: int) -> None:
        """The same writes with an open backup, and before and after it without one."""
        # Room for them is made once.
        _write(guest)
        before = _write(guest)
        first, again = self._backed_up_writes(guest)
        plain = (before + _write(guest)) / 2
        for work, seconds in (("first writes", first), ("further writes", again)):
            self._note(work, NO_BACKUP, turn, plain)
            self._note(work, US, turn, seconds)

    def _backed_up_writes(self, guest: Guest) -> tuple[float, float]:
        """QEMU saves what is overwritten for the first time; the second time it need not."""
        place = guest.host.folder / "open"
        place.mkdir(exist_ok=True)
        plan = BackupPlan(
            socket=str(place / "nbd"),
            disks=tuple(
                DiskPlan(target=target, export=target, scratch=str(place / f"{target}.scratch"))
                for target in guest.targets
            ),
        )
        with Host.open(guest.host.uri) as host:
            domain = find_domain(host, guest.uuid)
            begin_backup(domain, plan)
            try:
                return _write(guest), _write(guest)
            finally:
                end_backup(domain, SystemClock())

    def _back_up(self, guest: Guest, seat: Seat) -> tuple[Mapping[str, Any], Usage]:
        words = ["backup", "--json", "--vm", guest.name, "--libvirt", guest.host.uri]
        scratch = guest.host.folder / "scratch"
        command = self.holdfast.command(seat, *words, "--scratch", str(scratch))
        os.sync()
        usage = self._run(command)
        return self._told(), usage

    def _told(self) -> Mapping[str, Any]:
        """The last line of the command that ran last."""
        found: Mapping[str, Any] = json.loads(self._log.read_text().splitlines()[-1])
        return found

    def _run(self, command: Command) -> Usage:
        return run(command, self._log)

    @property
    def _log(self) -> Path:
        return self.scratch / "output"

    def _note(self, work: str, who: str, turn: int, value: float, *, peak_bytes: int = 0) -> None:
        sample = Sample(work=work, contender=who, round=turn, value=value, peak_bytes=peak_bytes)
        self.samples.append(sample)
        self.say(f"{work} round {turn + 1}: {who} {value:.3f}")


def _changed(disk: Mapping[str, Any]) -> int:
    """Everything, where nobody could say what has."""
    changed: int | None = disk["bytes_changed"]
    return int(disk["size"]) if changed is None else changed


def _write(guest: Guest) -> float:
    """Seconds, by the guest's own clock, that writing past all caches takes."""
    count, at = _WRITTEN * _MIB // _PIECE, _FREE_FROM * _MIB // _PIECE
    said = guest.run(
        f"read start _ </proc/uptime; "
        f"dd if=/dev/zero of=/dev/vdb bs={_PIECE} count={count} seek={at} "
        f"oflag=direct conv=notrunc 2>/dev/null || exit 1; "
        f"read end _ </proc/uptime; echo $start $end"
    )
    start, end = map(float, said.split())
    return end - start
