"""The layers of a replica as files: made, written through QEMU, and then never written again.

A layer names the one below by its name in the same folder, so a site's folder may be moved. While
it is written it has its name already: it exists when replica.json names it, and not before.
"""

import contextlib
import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Self

from holdfast.base.clock import Clock
from holdfast.disks import images
from holdfast.disks.errors import ImageInUse
from holdfast.disks.nbd_client import NbdClient
from holdfast.disks.serving import served_image
from holdfast.replication.log_reader import Part
from holdfast.replication.replica_folder import ReplicaFolder, stamp_of
from holdfast.replication.replica_record import Layer, LayerName, Stamp
from holdfast.replication.replica_sockets import sockets
from holdfast.storage.durable import sync

FORMAT = "qcow2"
_READ_ONLY, _WRITABLE = 0o400, 0o600
_NO_STAMP = Stamp(size=0, mtime_ns=0)
# What QEMU allocates at once; nothing else is under way in one that is written.
_CLUSTER = 64 << 10
# Parts of a disk that are written together; a part has at most 1 MiB.
_TOGETHER = 8
# Of all disks, and how many disks are open for it.
_MOST_WAITING = 64
_MOST_OPEN = 16
_PATIENCE, _PAUSE = 10.0, 0.1


class _Opened(NamedTuple):
    client: NbdClient
    stack: contextlib.ExitStack


class LayersBeingWritten:
    """The layers one log makes, each made when the first part of its disk comes.

    A machine may have many disks, and who sends may say so of a thousand: few are open at once.
    """

    def __init__(self, folder: ReplicaFolder, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._stack = contextlib.ExitStack()
        self._opened: dict[str, _Opened] = {}
        self._numbers = itertools.count()
        self._waiting: dict[str, list[Part]] = {}

    def __enter__(self) -> Self:
        self._sockets = self._stack.enter_context(sockets(self._folder))
        return self

    def __exit__(self, *_: object) -> None:
        with self._stack, contextlib.ExitStack() as stack:
            for each in self._opened.values():
                stack.push(each.stack)

    def write(self, parts: Iterable[Part], layer_of: Callable[[str], LayerName]) -> None:
        """`layer_of` makes the layer of a disk, if that is not there, and says which it is."""
        for count, part in enumerate(parts, start=1):
            waiting = self._waiting.setdefault(part.target, [])
            waiting.append(part)
            if len(waiting) == _TOGETHER:
                self._write_waiting(part.target, layer_of)
            elif count % _MOST_WAITING == 0:
                self._write_all(layer_of)
        self._write_all(layer_of)

    def flush(self) -> None:
        """All of it is with the kernel, and nobody has the files open any more."""
        for target in list(self._opened):
            self._close(target)

    @property
    def written(self) -> set[str]:
        """The disks of which there was anything."""
        return set(self._waiting)

    def _write_all(self, layer_of: Callable[[str], LayerName]) -> None:
        for target in self._waiting:
            self._write_waiting(target, layer_of)

    def _write_waiting(self, target: str, layer_of: Callable[[str], LayerName]) -> None:
        waiting = self._waiting[target]
        if waiting:
            write_parts(self._client(target, layer_of), waiting)
            waiting.clear()

    def _client(self, target: str, layer_of: Callable[[str], LayerName]) -> NbdClient:
        if target not in self._opened:
            if len(self._opened) == _MOST_OPEN:
                self._close(next(iter(self._opened)))
            self._opened[target] = self._open(layer_of(target))
        return self._opened[target].client

    def _open(self, name: LayerName) -> _Opened:
        """Of who was killed the server may need a moment to see that, and has the image open."""
        deadline = self._clock.monotonic() + _PATIENCE
        while True:
            try:
                return self._opened_now(name)
            except ImageInUse:
                if self._clock.monotonic() > deadline:
                    raise
                self._clock.sleep(_PAUSE)

    def _opened_now(self, name: LayerName) -> _Opened:
        served = served_image(
            self._folder.layer(name),
            self._sockets / str(next(self._numbers)),
            format_=FORMAT,
            clock=self._clock,
            is_writable=True,
        )
        with contextlib.ExitStack() as stack:
            address = stack.enter_context(served)
            client = stack.enter_context(NbdClient(address, contexts=()))
            return _Opened(client, stack.pop_all())

    def _close(self, target: str) -> None:
        opened = self._opened[target]
        opened.client.flush()
        del self._opened[target]
        opened.stack.close()


def write_parts(client: NbdClient, parts: Iterable[Part]) -> None:
    """In their order; zeroes as holes, and never two requests at once for one cluster.

    QEMU 7.2 loses data where a request that makes zeroes races with one that allocates the same
    cluster; a fix came in 2026.
    """
    run: list[Part] = []
    for part in parts:
        if run and (part.content is None or _shares_cluster(run[-1], part)):
            _write_run(client, run)
        if part.content is None:
            client.write_zeroes(part.offset, part.length)
        else:
            run.append(part)
    _write_run(client, run)


def make_layer(folder: ReplicaFolder, layer: Layer) -> None:
    """An empty one; what a killed predecessor has left under its name goes."""
    path = folder.layer(layer.name)
    path.unlink(missing_ok=True)
    below = LayerName(layer.target, layer.below).file if layer.below else None
    images.create(path, layer.size, format_=FORMAT, backing=below, backing_format=FORMAT)


def new_layer(name: LayerName, *, size: int, below: str) -> Layer:
    """One that is still to be made."""
    return Layer(
        target=name.target, generation=name.generation, size=size, below=below, stamp=_NO_STAMP
    )


def seal_layer(folder: ReplicaFolder, layer: Layer) -> Layer:
    """Durable, and nobody writes to it by accident any more; with its stamp."""
    path = folder.layer(layer.name)
    path.chmod(_READ_ONLY)
    sync(path)
    stamp = stamp_of(path)
    assert stamp is not None
    return Layer(
        target=layer.target,
        generation=layer.generation,
        size=layer.size,
        below=layer.below,
        stamp=stamp,
        original=layer.original,
    )


@contextlib.contextmanager
def writable(path: Path) -> Iterator[None]:
    """For us, for a moment: programs of a user that is not root look at the mode."""
    path.chmod(_WRITABLE)
    try:
        yield
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.chmod(path, _READ_ONLY)


def _write_run(client: NbdClient, run: list[Part]) -> None:
    client.write_many((part.offset, part.content) for part in run if part.content is not None)
    run.clear()


def _shares_cluster(before: Part, part: Part) -> bool:
    last = (before.offset + before.length - 1) // _CLUSTER
    return part.offset // _CLUSTER <= last
