"""What goes wrong in a chaos run, and how it is mended: each fault an act now and an act later."""

import contextlib
import os
import random
import signal
import subprocess  # noqa: TID251  a process that does not come to its end is one of the findings
from collections.abc import Callable
from dataclasses import dataclass

from holdfast.testing.chaos_fleet import ChaosFleet, Disk, Machine
from holdfast.testing.fleet import FleetServer

# Mends it; False: not now, try again.
Mend = Callable[[], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that is wrong now, with its mending so many seconds later."""

    name: str
    seconds: float
    mend: Mend


class Mischief:
    """Chooses faults by its chance alone, and only such as make sense as things are."""

    def __init__(self, fleet: ChaosFleet, chance: random.Random) -> None:
        self._fleet = fleet
        self._chance = chance
        self._kinds: list[tuple[Callable[[], Fault | None], int]] = [
            (self._kill_server, 4),
            (self._stop_server, 1),
            (self._freeze_server, 2),
            (self._kill_agent, 5),
            (self._stop_agent, 1),
            (self._kill_job, 6),
            (self._stop_database, 2),
            (self._crash_database, 2),
            (self._freeze_database, 1),
            (self._cut, 5),
            (self._fill, 3),
        ]

    def next(self) -> Fault | None:
        """Do something bad, unless the one it would happen to suffers already."""
        kinds, weights = zip(*self._kinds, strict=True)
        make: Callable[[], Fault | None] = self._chance.choices(kinds, weights)[0]
        return make()

    def _kill_server(self) -> Fault | None:
        return self._end_server("kill -9 of a server", FleetServer.kill)

    def _stop_server(self) -> Fault | None:
        return self._end_server("stop of a server", FleetServer.stop)

    def _end_server(self, name: str, end: Callable[[FleetServer], object]) -> Fault | None:
        server = self._chance.choice(self._fleet.servers)
        if not _is_well(server):
            return None
        try:
            end(server)
        except subprocess.TimeoutExpired:
            self._fleet.complaints.append(f"{name}: it did not end")
            server.kill()
        seconds = self._chance.uniform(0.5, 10)
        return Fault(name=name, seconds=seconds, mend=lambda: start_server(self._fleet, server))

    def _freeze_server(self) -> Fault | None:
        server = self._chance.choice(self._fleet.servers)
        if not _is_well(server):
            return None
        server.freeze()
        frozen.add(server.pid)

        def mend() -> bool:
            frozen.discard(server.pid)
            server.thaw()
            return True

        return Fault(name="server frozen", seconds=self._chance.uniform(2, 14), mend=mend)

    def _kill_agent(self) -> Fault | None:
        return self._end_agent("kill -9 of an agent", signal.SIGKILL)

    def _stop_agent(self) -> Fault | None:
        return self._end_agent("stop of an agent", signal.SIGTERM)

    def _end_agent(self, name: str, number: signal.Signals) -> Fault | None:
        machine = self._machine()
        if not machine.is_running:
            return None
        machine.end(number)

        def mend() -> bool:
            machine.start()
            return True

        return Fault(name=name, seconds=self._chance.uniform(0.2, 6), mend=mend)

    def _kill_job(self) -> Fault | None:
        found = [pid for machine in self._fleet.machines for pid in machine.children()]
        if not found:
            return None
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._chance.choice(found), signal.SIGKILL)
        return Fault(name="kill -9 of a job", seconds=0, mend=lambda: True)

    def _stop_database(self) -> Fault | None:
        return self._end_database("database stopped", signal.SIGINT)

    def _crash_database(self) -> Fault | None:
        return self._end_database("database crashed", signal.SIGQUIT)

    def _end_database(self, name: str, number: signal.Signals) -> Fault | None:
        if not self._fleet.is_database_up:
            return None
        self._fleet.is_database_up = False
        self._fleet.postgres.stop(number=number)

        def mend() -> bool:
            self._fleet.postgres.start()
            self._fleet.is_database_up = True
            return True

        return Fault(name=name, seconds=self._chance.uniform(0.5, 9), mend=mend)

    def _freeze_database(self) -> Fault | None:
        if not self._fleet.is_database_up:
            return None
        self._fleet.is_database_up = False
        self._fleet.postgres.freeze()

        def mend() -> bool:
            self._fleet.postgres.thaw()
            self._fleet.is_database_up = True
            return True

        return Fault(name="database frozen", seconds=self._chance.uniform(1, 9), mend=mend)

    def _cut(self) -> Fault | None:
        machine = self._machine()
        if machine.way.is_cut:
            return None
        is_silent = self._chance.random() < 0.5  # noqa: PLR2004  half of them
        machine.way.cut(silent=is_silent)

        def mend() -> bool:
            machine.way.mend()
            return True

        name = "network silent" if is_silent else "network cut"
        return Fault(name=name, seconds=self._chance.uniform(1, 18), mend=mend)

    def _fill(self) -> Fault | None:
        named = {"vault": [self._fleet.vault_disk], "server": self._fleet.server_disks}
        named["machine"] = [machine.disk for machine in self._fleet.machines]
        whose = self._chance.choice(list(named))
        disk = self._chance.choice(named[whose])
        if disk.is_full or not disk.is_own:
            return None
        disk.fill()
        seconds = self._chance.uniform(1, 15)
        return Fault(name=f"disk of the {whose} full", seconds=seconds, mend=lambda: _emptied(disk))

    def _machine(self) -> Machine:
        return self._chance.choice(self._fleet.machines)


# Servers that stand still: whoever waits for one of them waits for nothing.
frozen: set[int] = set()


def start_server(fleet: ChaosFleet, server: FleetServer) -> bool:
    """As a service manager does: again and again, as long as it does not come up."""
    disk = fleet.server_disks[fleet.servers.index(server)]
    if server.is_running:
        return True
    if disk.is_full or not fleet.is_database_up:
        return False
    try:
        server.start()
    except RuntimeError:
        server.end()
        return False
    return True


def _is_well(server: FleetServer) -> bool:
    return server.is_running and server.pid not in frozen


def _emptied(disk: Disk) -> bool:
    disk.empty()
    return True
