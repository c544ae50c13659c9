"""What a machine that tried to leave has left on its disks, where it cannot be put back yet."""

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from holdfast.hypervisor.errors import HostLost, VmNotRunning
from holdfast.recovery.live_note import LiveNote, write_live
from holdfast.recovery.live_source import LiveSources
from holdfast.recovery.record_folder import RecordFolder
from holdfast.testing.clock import FakeClock
from holdfast.testing.waiting import wait_until

if TYPE_CHECKING:
    from holdfast.base.errors import HoldfastError

VM = "8a6f0e0c-5a0e-4d53-9a2f-0f6c0a9d7a11"


class _Loop:
    """Of a machine that cannot be looked at, for whichever reason `error` is."""

    uuid = VM
    settings = SimpleNamespace(to=SimpleNamespace(machine="site"))

    def __init__(self) -> None:
        self.error: HoldfastError = VmNotRunning(about="web")
        self.looks = 0
        self.told: list[tuple[str, str]] = []

    def find(self) -> Any:
        self.looks += 1
        raise self.error

    def happened(self, what: str, why: str) -> None:
        self.told.append((what, why))


def test_what_keeps_them_where_they_are_is_told_once_and_not_at_each_look(tmp_path: Path) -> None:
    folder = RecordFolder(str(tmp_path), VM)
    write_live(folder, LiveNote(act="a", attempt="1", below={}, overlays={}, formats={}))
    nobody: Any = None
    sources = LiveSources(str(tmp_path), FakeClock(), door=nobody, limit=nobody)
    loop = _Loop()

    _look(sources, loop, times=3)
    assert loop.told == [("live-leftovers", "vm-not-running")]

    loop.error = HostLost(about="web", reason="gone")
    _look(sources, loop, times=2)
    assert loop.told[1:] == [("live-leftovers", loop.error.code)]


def _look(sources: LiveSources, loop: Any, *, times: int) -> None:
    wanted = loop.looks + times

    def has_looked() -> bool:
        sources.look(loop)
        return bool(loop.looks >= wanted)

    wait_until(has_looked)
    wait_until(lambda: not sources._settling[VM].is_alive())
