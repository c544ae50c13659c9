"""Every kind of file Linux has: contents, holes, links, pipes, sockets, devices."""

import os
import random
import stat
from functools import partial

from holdfast.testing.plot import Plot

KIB, MIB = 1 << 10, 1 << 20
_SMALLEST_CHUNK = 512 * KIB
# name -> (size, offsets that hold 64 KiB of data each; the rest is hole)
HOLES: dict[str, tuple[int, tuple[int, ...]]] = {
    "at-start": (3 * MIB, (2 * MIB,)),
    "in-middle": (3 * MIB, (0, 2 * MIB)),
    "at-end": (3 * MIB, (0,)),
    "nothing-but": (32 * MIB, ()),
    "many": (8 * MIB, tuple(range(0, 8 * MIB, 256 * KIB))),
    "odd-end": (5 * MIB + 123, (MIB,)),
    "tiny": (100, ()),
}


def build_contents(plot: Plot) -> None:
    noise = random.Random(2)  # noqa: S311  the same bytes at every run, no secret
    plot.file("empty", b"")
    plot.file("one-byte", b"x")
    plot.file("zeros", bytes(MIB + 1))
    plot.file("text", b"the quick brown fox\n" * 20_000)
    for size in (_SMALLEST_CHUNK - 1, _SMALLEST_CHUNK, _SMALLEST_CHUNK + 1, 9 * MIB + 1):
        plot.file(f"noise-{size}", noise.randbytes(size))
    twin = noise.randbytes(3 * MIB)
    plot.file("twin-1", twin)
    plot.file("twin-2", twin)
    plot.file("twin-shifted", b"shift" + twin)


def build_holes(plot: Plot) -> None:
    for name, (size, offsets) in HOLES.items():
        with open(plot.at(name), "wb") as out:
            out.truncate(size)
            for offset in offsets:
                out.seek(offset)
                out.write(b"%08d" % offset * (8 * KIB))


def build_hard_links(plot: Plot) -> None:
    plot.folder("here")
    plot.folder("there")
    names = {"file": plot.file("here/file", b"many names\n"), "empty": plot.file("here/empty", b"")}
    names |= {kind: plot.at(f"here/{kind}") for kind in ("pipe", "link", "large")}
    os.mkfifo(names["pipe"])
    os.symlink(b"file", names["link"])
    plot.file("here/large", b"large " * 200_000)
    for kind, path in names.items():
        os.link(path, plot.at(f"here/{kind}-again"), follow_symlinks=False)
        os.link(path, plot.at(f"there/{kind}"), follow_symlinks=False)


def build_symlinks(plot: Plot) -> None:
    plot.file("file")
    plot.folder("folder")
    plot.file("folder/inside")
    targets = {
        "to-file": b"file",
        "to-folder": b"folder",
        "to-folder-slash": b"folder/",
        "dangling": b"nowhere/at all",
        "absolute": b"/etc/hostname",
        "to-itself": b"to-itself",
        "up-and-out": b"../../../../../../..",
        "not-utf-8": b"\xff\xfe\x80",
        "odd": b"new\nline\t\"'\\<&>\x1b",
        "fast-limit": b"f" * 59,  # ext4 keeps up to 59 bytes in the inode
        "past-fast-limit": b"f" * 61,
        "long": b"l" * 4095,
    }
    for name, target in targets.items():
        plot.attempt(f"symlink {name}", partial(os.symlink, target, plot.at(name)))


def build_specials(plot: Plot) -> None:
    os.mkfifo(plot.at("pipe"), 0o640)
    os.mknod(plot.at("socket"), stat.S_IFSOCK | 0o700)
    devices = {
        "char-null": (stat.S_IFCHR, 1, 3),
        "char-whiteout": (stat.S_IFCHR, 0, 0),
        "char-largest": (stat.S_IFCHR, 4095, 1048575),
        "block-loop": (stat.S_IFBLK, 7, 0),
        "block-large-minor": (stat.S_IFBLK, 259, 300_000),
    }
    for name, (kind, major, minor) in devices.items():
        make = partial(os.mknod, plot.at(name), kind | 0o620, os.makedev(major, minor))
        plot.attempt(name, make)
