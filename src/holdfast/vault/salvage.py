"""Take what can still be read out of a damaged pack, by the index or by the pack's own header."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from holdfast.base.errors import HoldfastError
from holdfast.base.ids import PackId
from holdfast.vault.blob_index import Location
from holdfast.vault.blobs import open_blob
from holdfast.vault.check_pack import load_header
from holdfast.vault.layout import pack_path
from holdfast.vault.pack_header import Span
from holdfast.vault.sealed_files import SealedFiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Salvage:
    """What is left of a pack."""

    pack: PackId
    good: tuple[Span, ...]
    lost: tuple[Span, ...]


def salvage(files: SealedFiles, pack: PackId, known: Sequence[Span], *, size: int) -> Salvage:
    """Try every blob that the index or the header names; each is proven by its id."""
    good: list[Span] = []
    lost: list[Span] = []
    for span in dict.fromkeys((*known, *_from_header(files, pack, size))):
        is_good = read_blob(files, pack, span) is not None
        (good if is_good else lost).append(span)
    found = {(span.kind, span.blob) for span in good}
    still_lost = tuple(span for span in lost if (span.kind, span.blob) not in found)
    return Salvage(pack=pack, good=tuple(good), lost=still_lost)


def read_blob(files: SealedFiles, pack: PackId, span: Span) -> bytes | None:
    """The sealed bytes of a blob that was proven to be good."""
    location = Location(pack, span.offset, span.length, span.plain_length)
    try:
        sealed = files.storage.read(pack_path(pack), span.offset, span.length)
        open_blob(files.sealer, span.kind, span.blob, location, sealed)
    except HoldfastError:
        return None
    return sealed


def _from_header(files: SealedFiles, pack: PackId, size: int) -> Iterator[Span]:
    try:
        yield from load_header(files.storage, files.sealer, pack, size=size)
    except HoldfastError:
        return
