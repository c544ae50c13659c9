"""The virtual machines of this host, looked at now and then, for whoever protects them from afar.

A look asks the hypervisor and every guest agent, so it has a thread of its own: what hangs there
holds up nothing else.
"""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from holdfast.agent.running import Program
from holdfast.app import vm_records
from holdfast.base.programs import ask_tool
from holdfast.fleet.messages import VmsTold, VmTold
from holdfast.recovery.record_folder import RecordFolder

_EVERY = 120.0
_TIMEOUT = 300.0
_WEIGHTS = ("not", "less")
_LEFT = ("off", "migrated")


class Inventory:
    """`now` is what was seen last. `is_here` says whether there is anything to look at."""

    def __init__(
        self,
        home: str,
        program: Program,
        *,
        is_here: Callable[[], bool],
        on_news: Callable[[], None],
    ) -> None:
        self._home = home
        self._program = program
        self._is_here = is_here
        self._on_news = on_news
        self._wake = threading.Event()
        self.now: VmsTold | None = None

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self.look()
            self._wake.wait(_EVERY)
            self._wake.clear()

    def wake(self) -> None:
        """Something was done to a machine, or it is time to end."""
        self._wake.set()

    def look(self) -> None:
        """What cannot be seen now stays as it was."""
        if not self._is_here():
            return
        words = [*self._program.plain, "vm", "list", "--json"]
        done = ask_tool(words, environment=self._program.environment, timeout=_TIMEOUT)
        if done is not None and done.status == 0:
            self.now = VmsTold(vms=list(_told(done.said, self._home)))
            self._on_news()


def _told(said: bytes, home: str) -> Iterator[VmTold]:
    for line in said.splitlines():
        event = json.loads(line)
        if event.get("event") == "vm" and not _has_left(event, home):
            yield _vm(event, home)


def _has_left(event: dict[str, Any], home: str) -> bool:
    """`virsh migrate` leaves its definition here, off: the machine is where it went.

    One that is barred here was failed over, and this is still its home.
    """
    if (event["state"], event.get("state_reason")) != _LEFT:
        return False
    record = RecordFolder(home, event["uuid"]).load()
    return record is None or not record.is_barred


def _vm(event: dict[str, Any], home: str) -> VmTold:
    last = vm_records.load_last(home, event["uuid"])
    since = event["protected_since"]
    return VmTold(
        uuid=event["uuid"],
        name=event["name"],
        state=event["state"],
        protectable=event["protectable"],
        consistency=event["consistency"],
        remarks=[event["error"]] if event["error"] else _against(event),
        protected_since=datetime.fromisoformat(since) if since else None,
        point_at=last.at if last else None,
        point_class=last.consistency if last else None,
    )


def _against(event: dict[str, Any]) -> list[str]:
    """Codes, the worst first."""
    remarks = [*event["remarks"], *(one for disk in event["disks"] for one in disk["remarks"])]
    codes = [one["code"] for weight in _WEIGHTS for one in remarks if one["weight"] == weight]
    return list(dict.fromkeys(codes))
