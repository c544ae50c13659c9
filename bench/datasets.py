"""The three trees that are protected: mixed, tiny and image, at any scale."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.changes import IMAGE_NAME
from bench.content import Well

GENERATION = 1  # raise it when the same scale makes other bytes, so that kept data is made anew
MIB = 1 << 20
_SOURCE_FILES, _PACKAGE_FILES, _TINY_FILES = 80_000, 38_000, 200_000
_IMAGE_SIZE = 4096 * MIB
_BIG_FILES = {"media-1": 150, "media-2": 150, "log-1": 250, "log-2": 250, "database": 300}  # MiB
_PAGE = 4096
_DEEPEST = 7
# What a package's file or a run of the disk is, drawn with equal chance.
_PACKAGE_PARTS = ("text",) * 15 + ("program",) * 3 + ("noise",) * 2
_IMAGE_PARTS = ("noise",) * 7 + ("text",) * 7 + ("zeros",) * 2 + ("hole",) * 4


def prepare(folder: Path, name: str, scale: float) -> Path:
    """Return the tree, building it unless one with the same parameters is already there."""
    root, mark = folder / name, folder / f"{name}.json"
    wanted = {"generation": GENERATION, "scale": scale}
    if root.exists() and mark.exists() and json.loads(mark.read_text()) == wanted:
        return root
    mark.unlink(missing_ok=True)
    for left_over in (root, folder / "changes" / name):
        shutil.rmtree(left_over, ignore_errors=True)
    root.mkdir(parents=True)
    BUILDERS[name](root, scale)
    os.sync()
    mark.write_text(json.dumps(wanted))
    return root


def build_mixed(root: Path, scale: float) -> None:
    """About 118 k files and 2.9 GB at scale 1: sources, packages, a few big files."""
    well = Well(1)
    sources, packages = round(_SOURCE_FILES * scale), round(_PACKAGE_FILES * scale)
    sizes = _sizes(well, sources, median=4500, spread=1.4, largest=MIB)
    _write_files(root / "source", sizes, well=well, per_folder=10, draw=_draw_source)
    sizes = _sizes(well, packages, median=3000, spread=2.0, largest=20 * MIB)
    _write_files(root / "packages", sizes, well=well, per_folder=10, draw=_draw_package)
    (root / "big").mkdir()
    for name, size in _BIG_FILES.items():
        _write_big(root / "big" / name, round(size * MIB * scale), well)


def build_tiny(root: Path, scale: float) -> None:
    """200 k files of 100 to 2000 bytes at scale 1."""
    well = Well(2)
    sizes = well.dice.integers(100, 2001, round(_TINY_FILES * scale)).tolist()
    _write_files(root, sizes, well=well, per_folder=25, draw=_draw_source)


def build_image(root: Path, scale: float) -> None:
    """A raw VM disk of 4 GiB at scale 1: noise, text, written zeros and holes."""
    well = Well(3)
    size = round(_IMAGE_SIZE * scale) // _PAGE * _PAGE
    with open(root / IMAGE_NAME, "wb", buffering=0) as disk:
        disk.truncate(size)
        while disk.tell() < size:
            _write_extent(disk.fileno(), well, left=size - disk.tell())


BUILDERS: dict[str, Callable[[Path, float], None]] = {
    "mixed": build_mixed,
    "tiny": build_tiny,
    "image": build_image,
}


def _sizes(well: Well, count: int, *, median: int, spread: float, largest: int) -> list[int]:
    drawn = well.dice.lognormal(np.log(median), spread, count)
    sizes: list[int] = np.minimum(drawn, largest).astype(int).tolist()
    return sizes


def _draw_source(well: Well, size: int) -> bytes:
    return well.text(size)


def _draw_package(well: Well, size: int) -> bytes:
    match well.pick(_PACKAGE_PARTS):
        case "text":
            return well.text(size)
        case "program":  # half of it compresses
            return well.text(size // 2) + well.noise(size - size // 2)
        case _:
            return well.noise(size)


def _write_files(
    root: Path,
    sizes: list[int],
    *,
    well: Well,
    per_folder: int,
    draw: Callable[[Well, int], bytes],
) -> None:
    words = well.words(len(sizes) // per_folder + 2)
    folders = _make_folders(root, words, well)
    for number, size in enumerate(sizes):
        name = f"{words[number % len(words)]}-{number}.txt"
        path = os.path.join(folders[number // per_folder], name)
        with open(path, "wb", buffering=0) as out:
            out.write(draw(well, size))


def _make_folders(root: Path, words: list[str], well: Well) -> list[str]:
    """Grow a tree of folders: most below a recent one, some near the root."""
    root.mkdir(parents=True, exist_ok=True)
    folders = [str(root)]
    for number, word in enumerate(words):
        back = int(well.dice.geometric(0.2))
        parent = folders[-back] if back < len(folders) else folders[0]
        if parent.count("/") - folders[0].count("/") > _DEEPEST:
            parent = folders[0]
        folders.append(f"{parent}/{word}-{number}")
        os.mkdir(folders[-1])
    return folders[1:]


def _write_big(path: Path, size: int, well: Well) -> None:
    with open(path, "wb", buffering=0) as out:
        for start in range(0, size, 8 * MIB):
            step = min(8 * MIB, size - start)
            if path.name.startswith("media"):
                out.write(well.noise(step))
            elif path.name.startswith("log"):
                out.write(well.text(step))
            else:
                out.write(_draw_package(well, step))


def _write_extent(disk: int, well: Well, *, left: int) -> None:
    """Write one run of 256 KiB to 32 MiB; a hole is skipped over."""
    length = round(2 ** well.dice.uniform(18, 25)) // _PAGE * _PAGE
    length = min(length, left)
    match well.pick(_IMAGE_PARTS):
        case "noise":
            os.write(disk, well.noise(length))
        case "text":
            os.write(disk, well.text(length))
        case "zeros":
            os.write(disk, bytes(length))
        case _:
            os.lseek(disk, length, os.SEEK_CUR)
