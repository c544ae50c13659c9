"""The threads that read a disk; the one that started them stores what they pack.

Hashing, compression and encryption of a block all happen outside the interpreter's lock, so
threads are enough to keep all processors busy. While a thread does that, its next stretch is
being read, where the source can do so.
"""

import contextlib
import mmap
import threading
from collections.abc import Generator, Iterable, Iterator, Sequence
from queue import SimpleQueue
from typing import NamedTuple, Protocol, runtime_checkable

from holdfast.base.ids import ID_BYTES
from holdfast.disks.spans import Span
from holdfast.machines.block_sink import BlockSink, Buffers, FullPack, Stopped
from holdfast.machines.blocks import BLOCK, BlockIds, Stretch
from holdfast.machines.disk_source import DiskSource

# Blocks a thread reads at once.
AT_ONCE = 4

Contents = Generator[tuple[Span, memoryview], None, None]


@runtime_checkable
class ReadsAhead(Protocol):
    """A source that can be at the next span while what it has read is dealt with."""

    def read_ahead(self, spans: Iterable[Span], *, longest: int) -> Contents:
        """The content of each span, good until the next is asked for."""


class StretchRead(NamedTuple):
    """So many bytes were read, and are in the vault or in a pack."""

    length: int


class _Ended(NamedTuple):
    """A thread is at its end, by an error or without one."""

    error: BaseException | None


class Crew:
    """One disk after another; what each thread has begun to pack goes on with the next disk."""

    def __init__(self, sinks: Sequence[BlockSink], buffers: Buffers) -> None:
        self._sinks = sinks
        self._buffers = buffers
        self._messages: SimpleQueue[FullPack | StretchRead | _Ended] = SimpleQueue()
        self._is_stopped = threading.Event()

    def send(self, pack: FullPack) -> None:
        """What the sinks do with a full pack."""
        self._messages.put(pack)

    def read(
        self, source: DiskSource, wanted: Sequence[Stretch], blocks: BlockIds
    ) -> Generator[FullPack | StretchRead, None, None]:
        """Yield what comes of reading these stretches; their ids are filled in.

        When this is closed, by an error of the caller as well, no thread is left.
        """
        queue = _Shared(iter(wanted))
        threads = [
            threading.Thread(target=self._work, args=(sink, source, queue, blocks), daemon=True)
            for sink in self._sinks[: len(wanted)]
        ]
        running = 0
        try:
            for thread in threads:
                thread.start()
                running += 1
            while running:
                message = self._messages.get()
                if isinstance(message, _Ended):
                    running -= 1
                    _raise(message.error)
                else:
                    yield message
        finally:
            if running:
                self._is_stopped.set()
                self._buffers.stop()
            for thread in threads:
                if thread.ident is not None:
                    thread.join()

    def left(self) -> Iterator[FullPack]:
        """Packs handed over when no thread runs any more."""
        while not self._messages.empty():
            message = self._messages.get()
            assert isinstance(message, FullPack), message
            yield message

    def _work(
        self, sink: BlockSink, source: DiskSource, queue: "_Shared", blocks: BlockIds
    ) -> None:
        error: BaseException | None = None
        try:
            with contextlib.closing(source.another()) as mine:
                spans = self._until_stopped(queue, blocks.size)
                with contextlib.closing(_contents(mine, spans)) as contents:
                    for span, content in contents:
                        _store(span, content, sink, blocks)
                        self._messages.put(StretchRead(span.length))
        except Stopped:
            pass
        except BaseException as err:
            error = err
        self._messages.put(_Ended(error))

    def _until_stopped(self, queue: "_Shared", size: int) -> Iterator[Span]:
        for stretch in queue:
            if self._is_stopped.is_set():
                return
            start = stretch.first * BLOCK
            yield Span(start, min(start + stretch.blocks * BLOCK, size))


class _Shared:
    """What is left to do, given out one by one to whoever asks."""

    def __init__(self, stretches: Iterator[Stretch]) -> None:
        self._stretches = stretches
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[Stretch]:
        return self

    def __next__(self) -> Stretch:
        with self._lock:
            return next(self._stretches)


_of_thread = threading.local()


def _window() -> memoryview:
    """This thread's memory to read into."""
    found: memoryview | None = getattr(_of_thread, "window", None)
    if found is None:
        found = _of_thread.window = memoryview(mmap.mmap(-1, AT_ONCE * BLOCK))
    return found


def _contents(source: DiskSource, spans: Iterable[Span]) -> Contents:
    if isinstance(source, ReadsAhead):
        yield from source.read_ahead(spans, longest=AT_ONCE * BLOCK)
        return
    for span in spans:
        content = _window()[: span.length]
        source.read_into(span.start, content)
        yield span, content


def _store(span: Span, content: memoryview, sink: BlockSink, blocks: BlockIds) -> None:
    """Fill in the ids of a stretch of blocks."""
    ids = blocks.ids
    assert isinstance(ids, bytearray)
    number, inside = divmod(span.start, BLOCK)
    assert not inside, span
    at = ID_BYTES * number
    for offset in range(0, span.length, BLOCK):
        ids[at : at + ID_BYTES] = sink.put(content[offset : offset + BLOCK])
        at += ID_BYTES


def _raise(error: BaseException | None) -> None:
    if error is not None:
        raise error
