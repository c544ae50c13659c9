"""Changes 1 % of a tree, and takes the change back so that the data can be used again."""

import json
import os
import random
import shutil
from pathlib import Path

IMAGE_NAME = "disk.raw"
FRACTION = 0.01
_LARGEST_EDITED = 4 << 20  # a big file now and then would make rounds unlike each other
_PAGE = 4096


class Change:
    """One change of a tree, with all that is needed to undo it kept in a folder of its own."""

    def __init__(self, root: Path, keep: Path, seed: int) -> None:
        self._root = root
        self._keep = keep
        self._seed = seed
        self._dice = random.Random(seed)
        self._moved: list[tuple[str, str]] = []
        self._added: list[str] = []
        self._overwritten: list[int] = []

    def apply(self) -> None:
        self._keep.mkdir(parents=True)
        if (self._root / IMAGE_NAME).exists():
            self._overwrite(self._root / IMAGE_NAME)
        else:
            self._change_files()
        journal = {"moved": self._moved, "added": self._added, "overwritten": self._overwritten}
        (self._keep / "journal.json").write_text(json.dumps(journal))
        os.sync()

    def _change_files(self) -> None:
        """Of each five files touched three are edited, one removed, one added."""
        files = sorted(_small_files(self._root))
        count = max(1, round(len(files) * FRACTION / 5))
        chosen = self._dice.sample(files, min(len(files), 5 * count))
        for path in chosen[: 3 * count]:
            content = Path(self._set_aside(path)).read_bytes()
            middle = len(content) // 2
            insert = f"edited {self._dice.random()}\n".encode() * 5
            Path(path).write_bytes(content[:middle] + insert + content[middle:])
        for path in chosen[3 * count : 4 * count]:
            self._set_aside(path)
        for path in chosen[4 * count :]:
            added = f"{path}.added-{self._seed}"
            Path(added).write_bytes(f"{self._dice.random()}\n".encode() + Path(path).read_bytes())
            self._added.append(added)

    def _set_aside(self, path: str) -> str:
        saved = str(self._keep / str(len(self._moved)))
        os.rename(path, saved)
        self._moved.append((saved, path))
        return saved

    def _overwrite(self, image: Path) -> None:
        """Overwrite runs of 64 KiB to 4 MiB, as a guest at work does, until 1 % is new."""
        size = image.stat().st_size
        left = round(size * FRACTION)
        with open(image, "r+b", buffering=0) as disk:
            while left > 0:
                length = min(round(2 ** self._dice.uniform(16, 22)), left + _PAGE) // _PAGE * _PAGE
                at = self._dice.randrange(max(1, size - length)) // _PAGE * _PAGE
                saved = self._keep / f"block-{len(self._overwritten)}"
                saved.write_bytes(os.pread(disk.fileno(), length, at))
                os.pwrite(disk.fileno(), self._dice.randbytes(length), at)
                self._overwritten.append(at)
                left -= length


def undo(root: Path, keep: Path) -> None:
    """Bring the tree back to what it was before the change kept in `keep`."""
    journal = json.loads((keep / "journal.json").read_text())
    for path in journal["added"]:
        os.unlink(path)
    for saved, path in journal["moved"]:
        os.replace(saved, path)
    if journal["overwritten"]:
        with open(root / IMAGE_NAME, "r+b", buffering=0) as disk:
            # Last first: where two runs overlap, the older bytes win.
            for number, at in reversed(list(enumerate(journal["overwritten"]))):
                os.pwrite(disk.fileno(), (keep / f"block-{number}").read_bytes(), at)
    shutil.rmtree(keep)
    os.sync()


def _small_files(root: Path) -> list[str]:
    waiting, found = [str(root)], []
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif entry.stat().st_size <= _LARGEST_EDITED:
                    found.append(entry.path)
    return found
