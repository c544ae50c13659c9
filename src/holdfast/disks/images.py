"""Disk images, through qemu-img.

A place is a path, or a string that QEMU takes as a URI, such as `nbd_uri` gives. The format of an
image that a guest could write to must be said: a raw disk may begin with what looks like the head
of an image that is based on any file of the host.
"""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from holdfast.base.programs import Finished, consult_tool, last_words
from holdfast.disks.errors import ImageToolFailed, ImageUnreadable
from holdfast.disks.image_facts import (
    Checked,
    Extent,
    Image,
    Link,
    parse_chain,
    parse_check,
    parse_info,
    parse_links,
    parse_map,
)
from holdfast.disks.nbd_address import Address, UnixAddress
from holdfast.disks.tool_failures import ENVIRONMENT, known_failure

Place = Path | str
T = TypeVar("T")

_DIFFERENT = 1
_CORRUPT, _LEAKING, _NO_CHECKS = 2, 3, 63


def inspect(
    place: Place, *, format_: str | None = None, is_live: bool = False, looks_below: bool = True
) -> Image:
    """What an image is; without `format_`, by its head, which only its maker can be trusted with.

    `is_live`: some program has it open for writing. What its file says is then the past, and may
    be half of a change; bitmaps above all are not to be believed.
    """
    parse = parse_chain if looks_below else parse_info
    return _told(place, parse, format_=format_, is_live=is_live, looks_below=looks_below)


def links(place: Path, *, format_: str, is_live: bool = False) -> tuple[Link, ...]:
    """The images a disk consists of, from the top, as the images themselves say it."""
    return _told(place, parse_links, format_=format_, is_live=is_live, looks_below=True)


def _told(
    place: Place,
    parse: Callable[[bytes], T],
    *,
    format_: str | None,
    is_live: bool,
    looks_below: bool,
) -> T:
    chain = ["--backing-chain"] if looks_below else []
    live = ["-U"] if is_live else []
    kind = [] if format_ is None else ["-f", format_]
    done = _run("info", ["--output=json", *chain, *live, *kind, _named(place)], place)
    try:
        return parse(done.said)
    except (ValueError, KeyError, IndexError, TypeError) as err:
        raise ImageUnreadable(image=place, reason=err) from err


def create(
    place: Path,
    size: int | None = None,
    *,
    format_: str = "qcow2",
    backing: Place | None = None,
    backing_format: str | None = None,
    options: Sequence[str] = (),
) -> None:
    """Make an image; without a size it has that of what it is based on. It is its owner's alone."""
    below = [] if backing is None else ["-b", _named(backing), "-F", backing_format or "raw"]
    extra = ["-o", ",".join(options)] if options else []
    length = [] if size is None else [str(size)]
    with _private(place):
        _run("create", ["-q", "-f", format_, *below, *extra, _named(place), *length], place)


def convert(
    source: Place,
    target: Place,
    *,
    source_format: str,
    target_format: str,
    options: Sequence[str] = (),
    is_compressed: bool = False,
) -> None:
    """Copy what a disk holds, without bitmaps and snapshots, into a new image."""
    extra = ["-o", ",".join(options)] if options else []
    packed = ["-c"] if is_compressed else []
    formats = ["-f", source_format, "-O", target_format]
    _run("convert", [*formats, *packed, *extra, _named(source), _named(target)], source)


def are_same(one: Place, other: Place, *, one_format: str, other_format: str) -> bool:
    """Whether two disks read the same; what only one of them has must be zeroes."""
    formats = ["-f", one_format, "-F", other_format]
    arguments = ["-q", *formats, _named(one), _named(other)]
    return _run("compare", arguments, one, fine=(0, _DIFFERENT)).status == 0


def check(place: Place, *, format_: str) -> Checked:
    """Look for damage in an image's own tables; its data has no checksums."""
    fine = (0, _CORRUPT, _LEAKING, _NO_CHECKS)
    done = _run("check", ["--output=json", "-f", format_, _named(place)], place, fine=fine)
    if done.status == _NO_CHECKS:
        return Checked(can_be_checked=False)
    return parse_check(done.said)


def resize(place: Path, size: int, *, format_: str, may_shrink: bool = False) -> None:
    shrink = ["--shrink"] if may_shrink else []
    _run("resize", ["-q", "-f", format_, *shrink, _named(place), str(size)], place)


def rebase(
    place: Path, backing: Place | None, *, backing_format: str = "qcow2", is_rename: bool = False
) -> None:
    """Base an image on another one, None: on nothing. What differs is copied into it first.

    `is_rename`: the new one is the old one under another name; nothing is copied or looked at.
    """
    below = ["-b", ""] if backing is None else ["-b", _named(backing), "-F", backing_format]
    unsafe = ["-u"] if is_rename else []
    _run("rebase", ["-q", "-f", "qcow2", *unsafe, *below, _named(place)], place)


def commit(place: Path, *, keeps_content: bool = False, base: Place | None = None) -> None:
    """Write what an image has into the one it is based on; it is kept and stays empty.

    `keeps_content`: it stays as it is, for what was written may not be durable yet. `base` is one
    farther below, as the chain names it: what lies between is written too, and nothing is emptied.
    """
    kept = ["-d"] if keeps_content or base is not None else []
    below = [] if base is None else ["-b", str(base)]
    _run("commit", ["-q", *kept, *below, "-f", "qcow2", _named(place)], place)


def extents(place: Place, *, format_: str, is_live: bool = False) -> list[Extent]:
    """Where a disk has data, and in which image of its chain; some of it may be open elsewhere."""
    live = ["-U"] if is_live else []
    return parse_map(
        _run("map", ["--output=json", *live, "-f", format_, _named(place)], place).said
    )


def add_bitmap(place: Path, name: str) -> None:
    """Record from now on what is written to an image."""
    _run("bitmap", ["--add", "-f", "qcow2", _named(place), name], place)


def remove_bitmap(place: Path, name: str) -> None:
    _run("bitmap", ["--remove", "-f", "qcow2", _named(place), name], place)


def merge_bitmap(place: Path, name: str, *, source: Path) -> None:
    """What that other image has recorded under this name is recorded here as well."""
    of = ["-b", _named(source), "-F", "qcow2"]
    _run("bitmap", ["--merge", name, *of, "-f", "qcow2", _named(place), name], place)


def nbd_uri(address: Address, export: str = "") -> str:
    """A served disk as a place."""
    if isinstance(address, UnixAddress):
        return f"nbd+unix:///{quote(export, safe='')}?socket={quote(str(address.path))}"
    return f"nbd://{address.host}:{address.port}/{quote(export, safe='')}"


@contextlib.contextmanager
def _private(place: Path) -> Iterator[None]:
    """A new file that qemu-img fills: one of its own everybody could read."""
    is_new = False
    with contextlib.suppress(OSError):
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        os.close(os.open(place, flags, 0o600))
        is_new = True
    try:
        yield
    except BaseException:
        if is_new:
            place.unlink(missing_ok=True)
        raise


def _named(place: Place) -> str:
    """A name QEMU takes neither for an option nor for a protocol."""
    return os.path.abspath(place) if isinstance(place, Path) else place


def _run(
    action: str, arguments: Sequence[str], place: Place, *, fine: Sequence[int] = (0,)
) -> Finished:
    """Run qemu-img; an end with a status that is not `fine` is an error."""
    done = consult_tool(["qemu-img", action, *arguments], environment=ENVIRONMENT)
    if done.status in fine:
        return done
    failure = known_failure(place, done.complained)
    if failure is not None:
        raise failure
    raise ImageToolFailed(
        program="qemu-img",
        action=action,
        image=place,
        status=done.status,
        said=last_words(done.complained or done.said),
    )
