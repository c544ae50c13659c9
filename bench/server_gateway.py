"""How fast packs go through the gateway: MB/s over TLS on loopback, beside the same directory bare.

Both are measured in turns, so that what else the machine does strikes both.
"""

import contextlib
import hashlib
import os
import shutil
import statistics
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from holdfast.base.clock import Clock, SystemClock
from holdfast.base.units import MIB
from holdfast.storage.directory import DirectoryStorage
from holdfast.storage.protocol import Storage
from holdfast.testing.gateway import RunningGateway

_PACK = 16 * MIB
_MEGA = 1e6
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Medians over the rounds."""

    what: str
    at_once: int
    gateway: float
    directory: float
    # Seconds of the server's processor for each GB.
    server_cpu: float

    def __str__(self) -> str:
        ratio = self.gateway / self.directory
        return (
            f"{self.what:<9} {self.at_once} at once: {self.gateway:6.0f} MB/s through the gateway, "
            f"{self.directory:6.0f} MB/s bare ({ratio:.2f}x), {self.server_cpu:.1f} CPU s/GB"
        )


def measure(folder: Path, *, packs: int = 24, rounds: int = 3) -> list[Rate]:
    """Uploads and downloads, one and four at once."""
    found = []
    with _emptied(folder), RunningGateway(folder / "state") as gateway:
        for at_once in (1, 4):
            turns = [_turn(gateway, folder, packs=packs, at_once=at_once) for _ in range(rounds)]
            found += [_median(what, at_once, turns) for what in ("upload", "download")]
    return found


_Turn = dict[str, tuple[float, float, float]]


def _turn(gateway: RunningGateway, folder: Path, *, packs: int, at_once: int) -> _Turn:
    """For each work: MB/s through the gateway, MB/s bare, server's CPU seconds per GB."""
    machine = gateway.machine(gateway.vault(is_lab=True))
    far, bare = machine.storage(), folder / "bare"
    bare.mkdir()
    near = DirectoryStorage(str(bare))
    content = _content(packs)
    assert gateway.process is not None
    pid = gateway.process.pid
    turn: _Turn = {}
    works: dict[str, Callable[[Storage, tuple[str, bytes]], object]] = {
        "upload": lambda storage, one: storage.put(*one),
        "download": lambda storage, one: storage.get(one[0]),
    }
    for what, work in works.items():
        before = _cpu(pid)
        through = _rate(work, far, content, at_once)
        spent = (_cpu(pid) - before) / (packs * _PACK / 1e9)
        turn[what] = through, _rate(work, near, content, at_once), spent
    shutil.rmtree(bare)
    shutil.rmtree(machine.folder)
    return turn


def _content(packs: int) -> list[tuple[str, bytes]]:
    base = os.urandom(_PACK - 8)
    made = [base + number.to_bytes(8, "big") for number in range(packs)]
    names = [hashlib.sha256(one).hexdigest() for one in made]
    return [(f"data/{name[:2]}/{name}", one) for name, one in zip(names, made, strict=True)]


def _rate(
    work: Callable[[Storage, tuple[str, bytes]], object],
    storage: Storage,
    content: Sequence[tuple[str, bytes]],
    at_once: int,
) -> float:
    clock: Clock = SystemClock()
    began = clock.monotonic()
    with ThreadPoolExecutor(at_once) as threads:
        list(threads.map(lambda one: work(storage, one), content))
    return len(content) * _PACK / _MEGA / (clock.monotonic() - began)


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _median(what: str, at_once: int, turns: Sequence[_Turn]) -> Rate:
    gateway, directory, cpu = zip(*(turn[what] for turn in turns), strict=True)
    return Rate(
        what=what,
        at_once=at_once,
        gateway=statistics.median(gateway),
        directory=statistics.median(directory),
        server_cpu=statistics.median(cpu),
    )


@contextlib.contextmanager
def _emptied(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True)
    try:
        yield
    finally:
        shutil.rmtree(folder)


def main() -> int:
    for rate in measure(Path(__file__).parent.parent / ".work" / f"bench-gateway-{os.getpid()}"):
        print(rate)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
