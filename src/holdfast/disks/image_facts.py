"""What qemu-img tells of an image, as values. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from holdfast.disks.spans import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Bitmap:
    """A bitmap in an image; of an image that is open, the bitmaps made since are not there."""

    name: str
    granularity: int
    is_recording: bool
    # Its writer did not close it, or still has it open; if nobody has, it is worth nothing.
    is_in_use: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    format: str
    virtual_size: int
    allocated: int
    cluster_size: int | None
    # As the image names it, and as it is found from here.
    backing: str | None
    backing_path: str | None
    backing_format: str | None
    # How many images it consists of; None: nobody looked below it.
    depth: int | None
    compat: str | None
    bitmaps: tuple[Bitmap, ...]
    snapshots: tuple[str, ...]
    data_file: str | None
    is_encrypted: bool
    is_corrupt: bool

    @property
    def can_keep_bitmaps(self) -> bool:
        return self.format == "qcow2" and self.compat != "0.10"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a check of an image's own tables found; leaks only waste room."""

    can_be_checked: bool = True
    errors: int = 0
    corruptions: int = 0
    leaks: int = 0

    @property
    def is_sound(self) -> bool:
        return not self.errors and not self.corruptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """A part of a disk; `depth` counts from the top of its chain."""

    span: Span
    depth: int
    is_zero: bool
    has_data: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One image of those a disk consists of."""

    path: str
    format: str
    size: int
    # Bytes it takes itself.
    allocated: int


def parse_links(printed: bytes) -> tuple[Link, ...]:
    """All images of a disk from `info --backing-chain`, from the top."""
    return tuple(
        Link(
            path=raw["filename"],
            format=raw["format"],
            size=raw["virtual-size"],
            allocated=raw.get("actual-size", 0),
        )
        for raw in json.loads(printed)
    )


def parse_chain(printed: bytes) -> Image:
    """An image from `info --backing-chain`."""
    chain = json.loads(printed)
    return _image(chain[0], depth=len(chain))


def parse_info(printed: bytes) -> Image:
    """An image from `info` on it alone."""
    return _image(json.loads(printed), depth=None)


def parse_check(printed: bytes) -> Checked:
    raw = json.loads(printed)
    return Checked(
        errors=raw.get("check-errors", 0),
        corruptions=raw.get("corruptions", 0),
        leaks=raw.get("leaks", 0),
    )


def parse_map(printed: bytes) -> list[Extent]:
    return [
        Extent(
            span=Span(raw["start"], raw["start"] + raw["length"]),
            depth=raw["depth"],
            is_zero=raw["zero"],
            has_data=raw["data"],
        )
        for raw in json.loads(printed)
    ]


def _image(raw: Mapping[str, Any], *, depth: int | None) -> Image:
    own = raw.get("format-specific", {}).get("data", {})
    return Image(
        format=raw["format"],
        virtual_size=raw["virtual-size"],
        allocated=raw.get("actual-size", 0),
        cluster_size=raw.get("cluster-size"),
        backing=raw.get("backing-filename"),
        backing_path=raw.get("full-backing-filename"),
        backing_format=raw.get("backing-filename-format"),
        depth=depth,
        compat=own.get("compat"),
        bitmaps=_bitmaps(own.get("bitmaps", [])),
        snapshots=tuple(snapshot["name"] for snapshot in raw.get("snapshots", [])),
        data_file=own.get("data-file"),
        is_encrypted=bool(raw.get("encrypted")) or raw["format"] == "luks",
        is_corrupt=bool(own.get("corrupt")),
    )


def _bitmaps(raw: Sequence[Mapping[str, Any]]) -> tuple[Bitmap, ...]:
    return tuple(
        Bitmap(
            name=bitmap["name"],
            granularity=bitmap["granularity"],
            is_recording="auto" in bitmap["flags"],
            is_in_use="in-use" in bitmap["flags"],
        )
        for bitmap in raw
    )
