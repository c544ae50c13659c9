"""A look ahead for those who read a folder file by file: copies, archivers, searches.

Small files of one folder mostly lie side by side in a pack, so many come in one read.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping

from holdfast.base.ids import BlobId
from holdfast.base.units import MIB
from holdfast.files.mount.attributes import What
from holdfast.files.mount.cache import BlobCache
from holdfast.files.mount.fetching import Fetcher, Wanted
from holdfast.vault.errors import BlobMissing
from holdfast.vault.pack_header import Kind
from holdfast.vault.tree import Node

_FOLDERS_KEPT = 16
# Programs leave out what does not match their pattern, and still go on in order.
_STRIDE = 8
_STREAK = 3
_BYTES_AHEAD, _FILES_AHEAD = 4 * MIB, 256
# Larger files are read in many pieces, and look ahead by themselves.
_SMALL = MIB


class _Course:
    """How far the reading of one folder has come."""

    __slots__ = ("asked_until", "at", "names", "places", "streak")

    def __init__(self, listing: Mapping[bytes, What]) -> None:
        self.names = list(listing)
        self.places = {name: place for place, name in enumerate(self.names)}
        self.at = self.streak = self.asked_until = 0

    def step(self, name: bytes) -> bool:
        """Note that this file was opened; whether it is time to ask for the next ones."""
        place = self.places.get(name, 0)
        self.streak = self.streak + 1 if 0 < place - self.at <= _STRIDE else 0
        self.at = place
        self.asked_until = max(self.asked_until, place + 1) if self.streak else place + 1
        return self.streak >= _STREAK and self.asked_until - place <= _FILES_AHEAD // 2


class Siblings:
    """Watches which files are opened; may be used from several threads."""

    def __init__(self, cache: BlobCache, fetcher: Fetcher) -> None:
        self._cache = cache
        self._fetcher = fetcher
        self._lock = threading.Lock()
        self._courses: OrderedDict[int, _Course] = OrderedDict()

    def opened(self, folder: int, listing: Mapping[bytes, What], name: bytes) -> None:
        """A file in the folder with that inode number is about to be read."""
        with self._lock:
            course = self._courses.get(folder)
            if course is None:
                course = self._courses[folder] = _Course(listing)
                if len(self._courses) > _FOLDERS_KEPT:
                    self._courses.popitem(last=False)
            self._courses.move_to_end(folder)
            wanted = self._next(course, listing) if course.step(name) else []
        if wanted:
            self._cache.prefetch(wanted)

    def _next(self, course: _Course, listing: Mapping[bytes, What]) -> list[Wanted]:
        budget = min(_BYTES_AHEAD, self._cache.limit // 4)
        asked = (_small(listing, name) for name in course.names[course.at + 1 : course.asked_until])
        room = budget - sum(node.size for node in asked if node)
        wanted: list[Wanted] = []
        if room < budget // 2:
            return wanted
        until = min(course.at + _FILES_AHEAD, len(course.names))
        while course.asked_until < until and room > 0:
            node = _small(listing, course.names[course.asked_until])
            course.asked_until += 1
            if node is not None:
                wanted += self._located(node.content or [])
                room -= node.size
        return wanted

    def _located(self, content: list[str]) -> list[Wanted]:
        try:
            return [
                self._fetcher.locate(Kind.DATA, BlobId(bytes.fromhex(digits))) for digits in content
            ]
        except BlobMissing:
            return []  # said when somebody reads that file


def _small(listing: Mapping[bytes, What], name: bytes) -> Node | None:
    what = listing.get(name)
    return what if isinstance(what, Node) and what.content and what.size <= _SMALL else None
