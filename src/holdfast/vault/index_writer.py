"""Write index files for packs that are durable already."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from holdfast.base.ids import IndexId, PackId
from holdfast.vault.index_file import MAX_BLOBS, IndexPack, encode_index, encode_packs
from holdfast.vault.layout import INDEX
from holdfast.vault.pack_header import Span
from holdfast.vault.sealed_files import SealedFiles

PackSpans = tuple[PackId, Sequence[Span]]
_Pack = TypeVar("_Pack")


def write_index(files: SealedFiles, packs: Iterable[PackSpans]) -> list[IndexId]:
    """Name these packs in as few index files as the format likes."""
    groups = _grouped(packs, lambda pack: len(pack[1]))
    return [IndexId(files.save(INDEX, encode_index(group))) for group in groups]


def write_packs(files: SealedFiles, packs: Iterable[IndexPack]) -> list[IndexId]:
    """As `write_index`, for packs as they stand in other index files."""
    groups = _grouped(packs, lambda pack: len(pack.blobs or ()))
    return [IndexId(files.save(INDEX, encode_packs(group))) for group in groups]


def _grouped(packs: Iterable[_Pack], blobs_of: Callable[[_Pack], int]) -> Iterator[list[_Pack]]:
    """Split after so many blobs, but never inside a pack: its entry must be in one file."""
    group: list[_Pack] = []
    blobs = 0
    for pack in packs:
        group.append(pack)
        blobs += blobs_of(pack)
        if blobs >= MAX_BLOBS:
            yield group
            group, blobs = [], 0
    if group:
        yield group
