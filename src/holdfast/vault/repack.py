"""Copy blobs into new packs as they are sealed, after proving that each is what it should be.

Copying without looking would carry damage from pack to pack and give it a fresh, valid name.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple

from holdfast.base.ids import PackId
from holdfast.base.units import MIB
from holdfast.vault.blob_runs import Run, longest_run, open_span, read_run, runs_of, sealed_in
from holdfast.vault.forking import ahead, cores, forked
from holdfast.vault.index_writer import PackSpans
from holdfast.vault.pack_header import Span
from holdfast.vault.pack_writer import PackWriter
from holdfast.vault.sealed_files import SealedFiles

# Below this much to copy, forking costs more memory and half-filled packs than it saves time.
_WORTH_FORKING = 32 * MIB

OnBytes = Callable[[int], None]


class _Copied(NamedTuple):
    size: int
    packs: list[PackSpans]


def copy_blobs(
    files: SealedFiles, wanted: Iterable[tuple[PackId, Span]], *, on_bytes: OnBytes
) -> list[PackSpans]:
    """The new packs, durable but not named in any index yet."""
    runs = list(runs_of(wanted, longest=longest_run(files.storage)))
    workers = cores() if sum(run.length for run in runs) > _WORTH_FORKING else 1
    packs: list[PackSpans] = []

    def work(mine: Iterator[Run]) -> Iterator[_Copied]:
        return _copy(files, mine, parallel=-(-files.storage.parallel // workers))

    for copied in forked(runs, work, workers=workers):
        packs += copied.packs
        on_bytes(copied.size)
    return packs


def _copy(files: SealedFiles, runs: Iterator[Run], *, parallel: int) -> Iterator[_Copied]:
    writer = PackWriter(files)

    # Read ahead by threads; small blobs are proven here, where nobody else wants the interpreter.
    for run, read in ahead(runs, partial(read_run, files), parallel=parallel):
        size = 0
        for span, sealed in sealed_in(run, read.result()):
            open_span(files, run.pack, span, sealed)
            writer.add_sealed(span, sealed)
            size += span.length
        yield _Copied(size, _taken(writer))
    writer.flush()
    yield _Copied(0, _taken(writer))


def _taken(writer: PackWriter) -> list[PackSpans]:
    packs, writer.written = writer.written, []
    return packs
