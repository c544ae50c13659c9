"""The folder the demonstration protects: made, changed, and compared item by item."""

import contextlib
import hashlib
import os
import random
import stat
from dataclasses import dataclass
from pathlib import Path

_WORDS = (
    *("vault", "point", "blob", "restore", "disk", "night", "server", "index", "chunk", "tree"),
    *("보관소", "복구", "지점", "백업", "디스크"),
)
_FOLDERS, _FILES_EACH = 40, 50
_BIG_FILE = 48 << 20
_LONG_AGO_NS = 1_600_000_000_123_456_789


@dataclass(frozen=True, slots=True)
class Look:
    """All that can be seen of one item; two that look the same are the same."""

    kind: int
    mode: int
    owner: tuple[int, int]
    mtime_ns: int
    links: int
    attributes: tuple[tuple[str, bytes], ...]
    content: bytes


def make(root: Path) -> None:
    """Many small texts, one big image, and the things that backups like to lose."""
    dice = random.Random(7)  # noqa: S311  the same tree every time, not a secret
    for number in range(_FOLDERS):
        folder = root / f"project-{number:02}" / "src"
        folder.mkdir(parents=True)
        for file in range(_FILES_EACH):
            text = " ".join(dice.choices(_WORDS, k=dice.randrange(20, 900)))
            (folder / f"{file:03}.txt").write_text(text, encoding="utf-8")
    _make_image(root / "disk.img", dice)
    _make_rarities(root)


def change(root: Path) -> None:
    """What a day of work does: edits, a new file, a removed one, a block in the image."""
    for number in range(5):
        with (root / "project-00" / "src" / f"{number:03}.txt").open("a") as stream:
            stream.write(" changed")
    (root / "project-01" / "src" / "000.txt").unlink()
    (root / "new.txt").write_text("new today", encoding="utf-8")
    with (root / "disk.img").open("r+b") as stream:
        stream.seek(_BIG_FILE // 3)
        stream.write(b"a changed block " * 4096)


def look_at(root: Path) -> dict[bytes, Look]:
    """Every item below a root by its path there."""
    found: dict[bytes, Look] = {}
    raw = os.fsencode(root)
    for folder, folders, files in os.walk(raw):
        for name in (*folders, *files):
            path = os.path.join(folder, name)
            found[os.path.relpath(path, raw)] = _look(path)
    return found


def _make_image(path: Path, dice: random.Random) -> None:
    with path.open("wb") as stream:
        stream.write(dice.randbytes(_BIG_FILE // 2))
        # The rest is a hole, which must come back as one.
        stream.truncate(_BIG_FILE)


def _make_rarities(root: Path) -> None:
    rare = root / "rarities"
    rare.mkdir()
    (rare / "이름은 한국어로.txt").write_text("한국어", encoding="utf-8")
    Path(os.fsdecode(os.fsencode(rare) + b"/not-utf8-\xff\xfe")).write_bytes(b"odd name")
    (rare / "first-name").write_bytes(b"one file")
    (rare / "second-name").hardlink_to(rare / "first-name")
    (rare / "link").symlink_to("first-name")
    (rare / "dangling").symlink_to("/nowhere/at/all")
    (rare / "empty-folder").mkdir(mode=0o500)
    (rare / "set-uid").write_bytes(b"#!/bin/sh\n")
    (rare / "set-uid").chmod(0o4711)
    with contextlib.suppress(OSError):
        os.setxattr(rare / "first-name", "user.origin", b"demonstration\0binary")
    os.utime(rare / "link", ns=(_LONG_AGO_NS, _LONG_AGO_NS), follow_symlinks=False)
    os.utime(rare / "first-name", ns=(_LONG_AGO_NS, _LONG_AGO_NS))


def _look(path: bytes) -> Look:
    found = os.lstat(path)
    names = sorted(os.listxattr(path, follow_symlinks=False))
    return Look(
        kind=stat.S_IFMT(found.st_mode),
        mode=stat.S_IMODE(found.st_mode),
        owner=(found.st_uid, found.st_gid),
        mtime_ns=found.st_mtime_ns,
        links=found.st_nlink,
        attributes=tuple((n, os.getxattr(path, n, follow_symlinks=False)) for n in names),
        content=_content(path, found.st_mode),
    )


def _content(path: bytes, mode: int) -> bytes:
    if stat.S_ISLNK(mode):
        return os.readlink(path)
    if not stat.S_ISREG(mode):
        return b""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()
