"""How fast packs go through the gateway: MB/s over TLS on loopback, and what its process needs.

Beside it, in turns, so that what else the machine does strikes all alike: the bare framework, which
hashes, writes and syncs the same bytes under the same TLS, and the directory without any network.
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

from bench import server_peer
from bench.server_ground import forget_peak, spent
from holdfast.base.clock import Clock, SystemClock
from holdfast.base.units import MIB
from holdfast.storage.directory import DirectoryStorage
from holdfast.storage.protocol import Storage
from holdfast.testing.gateway import MachineThere, RunningGateway

_PACK = 16 * MIB
_MEGA = 1e6
_Work = Callable[[Storage, tuple[str, bytes]], object]
_WORKS: dict[str, _Work] = {
    "upload": lambda storage, one: storage.put(*one),
    "download": lambda storage, one: storage.get(one[0]),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Medians over the rounds, MB/s; the memory is the most of any round."""

    what: str
    at_once: int
    gateway: float
    peer: float
    directory: float
    # Seconds of the server's processor for each GB.
    server_cpu: float
    peer_cpu: float
    # How much more memory the server's process had at its peak than before.
    grown_mb: float


def measure(folder: Path, *, packs: int = 24, rounds: int = 3) -> list[Rate]:
    """Uploads and downloads, one and four at once."""
    found = []
    with _emptied(folder), RunningGateway(folder / "state") as gateway:
        # The first connection makes what all others use.
        gateway.machine(gateway.vault(is_lab=True)).storage().put("keys/" + _EMPTY, b"")
        state = gateway.folder / "server"
        with server_peer.running(state, folder / "peer") as (port, pid):
            peer = _Peer(port=port, pid=pid, folder=folder / "peer")
            for at_once in (1, 4):
                turns = [
                    _turn(gateway, peer, folder, packs=packs, at_once=at_once)
                    for _ in range(rounds)
                ]
                found += [_median(what, at_once, turns) for what in _WORKS]
    return found


_EMPTY = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Peer:
    port: int
    pid: int
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class _Share:
    """One contender's part of a turn."""

    rate: float
    cpu: float = 0.0
    grown: float = 0.0


# By work, then by contender.
_Turn = dict[str, dict[str, _Share]]


def _turn(gateway: RunningGateway, peer: _Peer, folder: Path, *, packs: int, at_once: int) -> _Turn:
    machine = gateway.machine(gateway.vault(is_lab=True))
    bare = folder / "bare"
    bare.mkdir()
    assert gateway.process is not None
    contenders: dict[str, tuple[Storage, int | None]] = {
        "gateway": (machine.storage(), gateway.process.pid),
        "peer": (_at_peer(machine, peer), peer.pid),
        "directory": (DirectoryStorage(str(bare)), None),
    }
    content = _content(packs)
    turn: _Turn = {}
    for what, work in _WORKS.items():
        turn[what] = {
            name: _share(work, storage, pid, content, at_once=at_once)
            for name, (storage, pid) in contenders.items()
        }
    for used in (bare, machine.folder, peer.folder):
        shutil.rmtree(used)
    peer.folder.mkdir()
    return turn


def _at_peer(machine: MachineThere, peer: _Peer) -> Storage:
    return machine.storage(url=f"https://localhost:{peer.port}/gateway/")


def _share(
    work: _Work,
    storage: Storage,
    pid: int | None,
    content: Sequence[tuple[str, bytes]],
    *,
    at_once: int,
) -> _Share:
    if pid is None:
        return _Share(rate=_rate(work, storage, content, at_once))
    forget_peak(pid)
    before = spent(pid)
    rate = _rate(work, storage, content, at_once)
    after = spent(pid)
    cpu = (after.cpu - before.cpu) / (len(content) * _PACK / 1e9)
    return _Share(rate=rate, cpu=cpu, grown=(after.peak - before.resident) / _MEGA)


def _content(packs: int) -> list[tuple[str, bytes]]:
    base = os.urandom(_PACK - 8)
    made = [base + number.to_bytes(8, "big") for number in range(packs)]
    names = [hashlib.sha256(one).hexdigest() for one in made]
    return [(f"data/{name[:2]}/{name}", one) for name, one in zip(names, made, strict=True)]


def _rate(
    work: _Work,
    storage: Storage,
    content: Sequence[tuple[str, bytes]],
    at_once: int,
) -> float:
    clock: Clock = SystemClock()
    began = clock.monotonic()
    with ThreadPoolExecutor(at_once) as threads:
        list(threads.map(lambda one: work(storage, one), content))
    return len(content) * _PACK / _MEGA / (clock.monotonic() - began)


def _median(what: str, at_once: int, turns: Sequence[_Turn]) -> Rate:
    def middle(contender: str, number: str) -> float:
        return statistics.median(float(getattr(turn[what][contender], number)) for turn in turns)

    return Rate(
        what=what,
        at_once=at_once,
        gateway=middle("gateway", "rate"),
        peer=middle("peer", "rate"),
        directory=middle("directory", "rate"),
        server_cpu=middle("gateway", "cpu"),
        peer_cpu=middle("peer", "cpu"),
        grown_mb=max(turn[what]["gateway"].grown for turn in turns),
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
