"""Write index files for packs that are durable already."""

from collections.abc import Iterable, Iterator, Sequence

from holdfast.base.ids import IndexId, PackId
from holdfast.vault.index_file import MAX_BLOBS, encode_index
from holdfast.vault.layout import INDEX
from holdfast.vault.pack_header import Span
from holdfast.vault.sealed_files import SealedFiles

PackSpans = tuple[PackId, Sequence[Span]]


def write_index(files: SealedFiles, packs: Iterable[PackSpans]) -> list[IndexId]:
    """Name these packs in as few index files as the format likes."""
    return [IndexId(files.save(INDEX, encode_index(group))) for group in _grouped(packs)]


def _grouped(packs: Iterable[PackSpans]) -> Iterator[list[PackSpans]]:
    """Split after so many blobs, but never inside a pack: its entry must be in one file."""
    group: list[PackSpans] = []
    blobs = 0
    for pack in packs:
        group.append(pack)
        blobs += len(pack[1])
        if blobs >= MAX_BLOBS:
            yield group
            group, blobs = [], 0
    if group:
        yield group
