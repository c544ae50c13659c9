"""The answers to what the kernel asks of a mount. Nothing here changes anything."""

import errno
import functools
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Concatenate, ParamSpec, TypeVar, cast

from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.files.mount.attributes import (
    Attributes,
    Item,
    What,
    attributes_of,
    child_item,
    mode_of,
    target_of,
)
from holdfast.files.mount.cache import BlobCache
from holdfast.files.mount.fetching import Fetcher
from holdfast.files.mount.lookup import Lookup
from holdfast.files.mount.reading import FileReader, Layout
from holdfast.files.mount.siblings import Siblings
from holdfast.vault.tree import Node

P = ParamSpec("P")
T = TypeVar("T")

_LAYOUTS_KEPT = 64
_WARNINGS_KEPT = 1000
_STATFS = {"f_bsize": 4096, "f_frsize": 4096, "f_namemax": 255}


def _answering(
    act: "Callable[Concatenate[Operations, P], T]",
) -> "Callable[Concatenate[Operations, P], T]":
    """Turn what went wrong with the vault into an I/O error of this one call, and say so."""

    @functools.wraps(act)
    def answer(self: "Operations", *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return act(self, *args, **kwargs)
        except OSError:
            raise
        except Exception as err:
            self.tell(err)
            raise OSError(errno.EIO, os.strerror(errno.EIO)) from err

    return cast("Callable[Concatenate[Operations, P], T]", answer)


@dataclass(slots=True)
class _Opened:
    """A file with its reader, or a folder with what lay in it at that moment."""

    item: Item
    reader: FileReader | None = None
    listing: Mapping[bytes, What] | None = None


class Operations:
    """mfusepy calls these, from several threads if it was told so.

    Paths come as Latin-1 text of their bytes, and as None where a handle says enough.
    """

    use_ns = True
    # Paths can be thousands of bytes long, and a handle says it all.
    flag_nopath = True
    flag_nullpath_ok = True

    def __init__(self, *, lookup: Lookup, blobs: BlobCache, fetcher: Fetcher) -> None:
        self.ready = threading.Event()
        self.ending = threading.Event()
        self.leave: Callable[[], None] = lambda: None
        self.warn: Callable[[str], None] = lambda _text: None
        self._lookup = lookup
        self._blobs = blobs
        self._fetcher = fetcher
        self._siblings = Siblings(blobs, fetcher)
        self._numbers = count(1)
        self._opened: dict[int, _Opened] = {}
        self._layouts: OrderedDict[int, Layout] = OrderedDict()
        self._lock = threading.Lock()
        self._told: set[str] = set()

    def tell(self, err: Exception) -> None:
        """Warn about a problem once, however often a program tries again."""
        text = str(err) if isinstance(err, HoldfastError) else repr(err)
        with self._lock:
            if text in self._told or len(self._told) >= _WARNINGS_KEPT:
                return
            self._told.add(text)
        self.warn(
            _("A read from the mount was answered with an error: {reason}").format(reason=text)
        )

    def init_with_config(self, _connection: object, _config: object) -> None:
        self.ready.set()

    def statfs(self, _path: str) -> dict[str, int]:
        if self.ending.is_set():
            self.leave()
        return _STATFS

    @_answering
    def getattr(self, path: str | None, handle: int | None = None) -> Attributes:
        return attributes_of(self._item(path, handle))

    @_answering
    def readlink(self, path: str) -> str:
        target = target_of(self._lookup.find(path))
        if target is None:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return target.decode("latin-1")

    @_answering
    def listxattr(self, path: str) -> list[str]:
        names = _extended(self._lookup.find(path))
        return [name.encode("utf-8", "surrogateescape").decode("latin-1") for name in names]

    @_answering
    def getxattr(self, path: str, name: str) -> bytes:
        text = name.encode("latin-1").decode("utf-8", "surrogateescape")
        found = _extended(self._lookup.find(path)).get(text)
        if found is None:
            raise OSError(errno.ENODATA, os.strerror(errno.ENODATA))
        return found

    @_answering
    def opendir(self, path: str) -> int:
        item = self._lookup.find(path)
        return self._open(_Opened(item, listing=self._lookup.listing(item)))

    def releasedir(self, _path: str | None, handle: int) -> int:
        self._opened.pop(handle, None)
        return 0

    @_answering
    def readdir(self, _path: str | None, handle: int) -> list[tuple[str, Attributes, int]]:
        entries = self.entries(handle, full=False)
        return [(name.decode("latin-1"), attributes, 0) for name, attributes in entries]

    def entries(self, handle: int, *, full: bool) -> Iterator[tuple[bytes, Attributes]]:
        """What lies in an opened folder, with all attributes or with what a listing needs."""
        opened = self._opened[handle]
        assert opened.listing is not None, "only folders are listed"
        yield b".", {"st_ino": opened.item.inode, "st_mode": mode_of(opened.item)}
        yield b"..", {}
        for name, what in opened.listing.items():
            child = child_item(opened.item, name, what)
            if full:
                yield name, attributes_of(child)
            else:
                yield name, {"st_ino": child.inode, "st_mode": mode_of(child)}

    @_answering
    def open(self, path: str, flags: int) -> int:
        if flags & os.O_ACCMODE != os.O_RDONLY:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        item = self._lookup.find(path)
        reader = FileReader(self._layout(item), self._blobs, self._fetcher)
        above, _slash, name = path.rpartition("/")
        folder = self._lookup.find(above)
        self._siblings.opened(folder.inode, self._lookup.listing(folder), name.encode("latin-1"))
        return self._open(_Opened(item, reader))

    @_answering
    def read(self, _path: str | None, size: int, offset: int, handle: int) -> bytes:
        reader = self._opened[handle].reader
        assert reader is not None, "only files are opened for reading"
        return reader.read(offset, size)

    def release(self, _path: str | None, handle: int) -> int:
        self._opened.pop(handle, None)
        return 0

    def _item(self, path: str | None, handle: int | None) -> Item:
        if path is not None:
            return self._lookup.find(path)
        assert handle is not None, "a call names a path or a handle"
        return self._opened[handle].item

    def _open(self, opened: _Opened) -> int:
        handle = next(self._numbers)
        self._opened[handle] = opened
        return handle

    def _layout(self, item: Item) -> Layout:
        """Kept, because a program may open and close an image of 100 000 blobs for each read."""
        with self._lock:
            found = self._layouts.get(item.inode)
            if found is not None:
                self._layouts.move_to_end(item.inode)
                return found
        content = item.what.content if isinstance(item.what, Node) else None
        layout = Layout(content or (), self._fetcher)
        with self._lock:
            self._layouts[item.inode] = layout
            if len(self._layouts) > _LAYOUTS_KEPT:
                self._layouts.popitem(last=False)
        return layout


def _extended(item: Item) -> dict[str, bytes]:
    if not isinstance(item.what, Node):
        return {}
    return {one.name: one.value or b"" for one in item.what.extended_attributes}
