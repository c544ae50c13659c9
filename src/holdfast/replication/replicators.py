"""All machines of a host that are replicated: a loop for each, and one that looks after them.

Machines that are enabled later are taken up, those that are disabled are let go, and so are those
that somebody takes for a while. A status of each is written every few seconds, whatever its own
loop is doing.
"""

import threading
from collections.abc import Callable

from holdfast.replication.consistency_groups import Groups
from holdfast.replication.replicator import Replicator
from holdfast.replication.replicator_tools import Tools
from holdfast.replication.replicator_turns import TurnGate
from holdfast.replication.source_folder import SourceFolder, replicated_here

_STATUS_SECONDS = 2.0
_LOOK_SECONDS = 1.0


class Replicators:
    """From `start` to `stop`; `run` does both, and waits in between."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._gate = TurnGate(tools.at_once)
        self._groups = Groups()
        self._loops: dict[str, Replicator] = {}
        # They were ended, and are not over yet.
        self._leaving: list[Replicator] = []
        # What was said last, by machine.
        self._warned: dict[str, str] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look_after, name="replicators", daemon=True)

    @property
    def machines(self) -> tuple[str, ...]:
        with self._lock:
            return tuple(self._loops)

    def loop(self, uuid: str) -> Replicator | None:
        with self._lock:
            return self._loops.get(uuid)

    def start(self) -> None:
        self.look()
        self._thread.start()

    def stop(self) -> None:
        """Steps under way end or are undone; nothing is left on a machine."""
        self._stop.set()
        with self._lock:
            loops = list(self._loops.values())
        for loop in loops:
            loop.ask_to_stop()
        for loop in loops:
            loop.join_reader()
        # A log over a slow link may take hours; what the site has of it is not sent again.
        self._tools.hang_up()
        self._thread.join()
        for loop in (*loops, *self._leaving):
            loop.join()
        for loop in loops:
            loop.write_status()

    def run(self, is_told_to_stop: Callable[[], bool]) -> None:
        self.start()
        try:
            while not is_told_to_stop():
                self._stop.wait(_LOOK_SECONDS)
        finally:
            self.stop()

    def look(self) -> None:
        """Which machines there are now."""
        self._let_go()
        wanted = self._ours() - {loop.uuid for loop in self._leaving}
        with self._lock:
            known = set(self._loops)
            # One that is wanted and has ended was never begun whole: it is made anew after this.
            gone = [one for one in self._loops.values() if one.uuid not in wanted or one.is_over()]
            for loop in gone:
                del self._loops[loop.uuid]
        for loop in gone:
            loop.ask_to_stop()
            self._groups.leave(loop)
            self._leaving.append(loop)
        for uuid in sorted(wanted - known):
            self._begin(uuid)

    def _begin(self, uuid: str) -> None:
        """What keeps one from being followed keeps no other, and is tried with the next look."""
        try:
            loop = self._new(uuid)
            with self._lock:
                self._loops[uuid] = loop
            self._groups.join(loop)
            loop.start()
            self._warned.pop(uuid, None)
        except Exception as err:
            if SourceFolder(self._tools.home, uuid).is_there():
                self._warn(uuid, str(err) or type(err).__name__)

    def _warn(self, about: str, said: str) -> None:
        """Once, as long as it is the same."""
        if self._warned.get(about) != said:
            self._warned[about] = said
            self._tools.warn(said)

    def _ours(self) -> set[str]:
        home = self._tools.home
        return {vm for vm in replicated_here(home) if not SourceFolder(home, vm).is_taken()}

    def _let_go(self) -> None:
        """Of those that were ended, and have sent what they were sending; nobody waits for them."""
        for loop in [each for each in self._leaving if each.is_over()]:
            loop.join()
            self._leaving.remove(loop)

    def _new(self, uuid: str) -> Replicator:
        return Replicator(uuid, self._tools, self._gate, together=self._groups.advance)

    def _look_after(self) -> None:
        while not self._stop.wait(_STATUS_SECONDS):
            try:
                self.look()
                for uuid in self.machines:
                    loop = self.loop(uuid)
                    if loop is not None:
                        loop.write_status()
                self._warned.pop("", None)
            except Exception as err:
                # Whatever it is, they are looked after again, and a person sees why.
                self._warn("", str(err) or type(err).__name__)
