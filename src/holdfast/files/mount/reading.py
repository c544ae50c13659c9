"""Reads at any place of one file, and a look ahead where somebody reads on and on."""

from array import array
from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate

from holdfast.base.ids import BlobId
from holdfast.base.units import KIB, MIB
from holdfast.files.mount.cache import BlobCache
from holdfast.files.mount.fetching import Fetcher, Wanted
from holdfast.vault.envelope import OVERHEAD
from holdfast.vault.pack_header import Kind

# Reads of one stream reach us a little out of order: the kernel itself looks ahead.
_NEAR = 128 * KIB
# A single large read comes in pieces of 128 KiB; only what goes on longer is a stream.
_STREAM = MIB + _NEAR
_FIRST_WINDOW, _LAST_WINDOW = 2 * MIB, 32 * MIB
# So much of the cache one stream may fill with what nobody has asked for yet.
_SHARE = 4


class Layout:
    """Where the blobs of a file lie in it; the ends come from the index, not from the node."""

    __slots__ = ("_blobs", "ends")

    def __init__(self, content: Iterable[str], fetcher: Fetcher) -> None:
        self._blobs = [BlobId(bytes.fromhex(digits)) for digits in content]
        self.ends = array("Q", accumulate(_plain_length(fetcher, blob) for blob in self._blobs))

    @property
    def size(self) -> int:
        return self.ends[-1] if self.ends else 0

    def blob(self, number: int) -> BlobId:
        return self._blobs[number]

    def start(self, number: int) -> int:
        return self.ends[number - 1] if number else 0

    def number_at(self, offset: int) -> int:
        """Which blob holds this byte; an empty blob holds none."""
        return bisect_right(self.ends, offset)

    def __len__(self) -> int:
        return len(self._blobs)


def _plain_length(fetcher: Fetcher, blob: BlobId) -> int:
    location = fetcher.locate(Kind.DATA, blob).location
    return location.plain_length or location.length - OVERHEAD


class FileReader:
    """One opened file. Races between readers of it can only spoil the guess what comes next."""

    def __init__(self, layout: Layout, cache: BlobCache, fetcher: Fetcher) -> None:
        self._layout = layout
        self._cache = cache
        self._fetcher = fetcher
        self._end_of_last = 0
        self._streak = 0
        self._window = _FIRST_WINDOW
        self._asked_until = 0

    def read(self, offset: int, size: int) -> bytes:
        """The bytes there; fewer only at the end of the file."""
        layout = self._layout
        end = min(offset + size, layout.size)
        if offset >= end:
            return b""
        number = layout.number_at(offset)
        if layout.ends[-1] > layout.ends[number]:
            self._look_ahead(offset, end, number)
        if end <= layout.ends[number]:
            return self._part(number, offset, end)
        parts = []
        while offset < end:
            upto = min(end, layout.ends[number])
            parts.append(self._part(number, offset, upto))
            offset, number = upto, number + 1
        return b"".join(parts)

    def _part(self, number: int, offset: int, end: int) -> bytes:
        start = self._layout.start(number)
        plain = self._cache.load(Kind.DATA, self._layout.blob(number))
        return bytes(memoryview(plain)[offset - start : end - start])

    def _look_ahead(self, offset: int, end: int, number: int) -> None:
        near = abs(offset - self._end_of_last) <= _NEAR
        self._end_of_last = max(end, self._end_of_last) if near else end
        if not near:
            self._streak, self._window, self._asked_until = 0, _FIRST_WINDOW, 0
            return
        self._streak += end - offset
        if self._streak < _STREAM:
            return
        asked = self._layout.start(max(self._asked_until, number + 1))
        # Asking in halves of the window lets neighbours in a pack come in one read.
        if asked - end < self._window // 2:
            self._ask(max(self._asked_until, number + 1), end + self._window)
            self._window = min(self._window * 2, _LAST_WINDOW, self._cache.limit // _SHARE)

    def _ask(self, number: int, until: int) -> None:
        wanted: list[Wanted] = []
        while number < len(self._layout) and self._layout.start(number) < until:
            wanted.append(self._fetcher.locate(Kind.DATA, self._layout.blob(number)))
            number += 1
        self._asked_until = number
        if wanted:
            self._cache.prefetch(wanted)
