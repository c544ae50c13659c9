"""A worker: a forked process that reads what it is told to and fills packs."""

import gc
import os

import msgspec

from holdfast.files.backup.content import BlobSink, ContentReader, chunker_seed
from holdfast.files.backup.file_cache import FileCache
from holdfast.files.backup.folder import FolderReader
from holdfast.files.backup.messages import (
    FolderTask,
    PackReady,
    PartTask,
    Result,
    Task,
    WorkerDone,
    WorkerFailed,
    decode_tasks,
    encode,
)
from holdfast.files.backup.settings import WorkerSettings
from holdfast.files.backup.slots import Slots
from holdfast.vault.blob_index import Has
from holdfast.vault.claims import Claims
from holdfast.vault.envelope import MasterKey
from holdfast.vault.pipes import Connection


class WorkerMeans(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker inherits by the fork."""

    master: MasterKey
    # Asks the index, which each process loads for itself when it first has something to store.
    has: Has
    cache: FileCache
    claims: Claims
    settings: WorkerSettings


def run(means: WorkerMeans, slots: Slots, tasks: Connection, results: Connection) -> None:
    """Work until the parent says it was all; never returns to the caller's code."""
    # Nothing here is in cycles, and a worker's values are many and short-lived.
    gc.disable()
    status = 0
    try:
        _serve(_Worker(means, slots, results), tasks)
    except (EOFError, BrokenPipeError):
        # The parent is gone, and with it everybody who would want an answer.
        status = 1
    except BaseException as err:
        import traceback

        status = 1
        reason = traceback.format_exception_only(err)[-1].strip()
        results.send_bytes(encode([WorkerFailed(reason, traceback.format_exc())]))
    finally:
        os._exit(status)


def _serve(worker: "_Worker", tasks: Connection) -> None:
    while True:
        batch = decode_tasks(tasks.recv_bytes())
        if not batch:
            worker.finish()
            return
        worker.answer(batch)


class _Worker:
    def __init__(self, means: WorkerMeans, slots: Slots, results: Connection) -> None:
        self._results = results
        self._sink = BlobSink(
            master=means.master,
            has=means.has,
            claims=means.claims,
            slots=slots,
            send=self._send_pack,
        )
        self._reader = FolderReader(
            cache=means.cache,
            has=means.has,
            content=ContentReader(self._sink, chunker_seed(means.master)),
            counts=self._sink.counts,
            settings=means.settings,
        )

    def answer(self, batch: list[Task]) -> None:
        # One message a batch; encoding an answer at once frees what it was made of.
        self._results.send_bytes(_joined([encode([self._answer(task)]) for task in batch]))

    def finish(self) -> None:
        self._sink.flush()
        self._send([WorkerDone()])

    def _answer(self, task: Task) -> Result:
        if isinstance(task, FolderTask):
            return self._reader.folder(task)
        if isinstance(task, PartTask):
            return self._reader.part(task)
        return self._reader.segment(task)

    def _send_pack(self, pack: PackReady) -> None:
        self._send([pack])

    def _send(self, results: list[Result]) -> None:
        self._results.send_bytes(encode(results))


def _joined(encoded: list[bytes]) -> bytes:
    """One MessagePack array of what were arrays of one element each."""
    head = b"\xdd" + len(encoded).to_bytes(4, "big")
    return head + b"".join(piece[1:] for piece in encoded)
