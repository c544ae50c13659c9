"""Trees to protect: a hostile one with everything Linux allows, and quick ordinary ones."""

import os
import random
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from holdfast.testing import hostile_attributes, hostile_kinds, hostile_names
from holdfast.testing.plot import Plot

# In this order: modes last, because they forbid things below them.
HOSTILE_PARTS = {
    "contents": hostile_kinds.build_contents,
    "holes": hostile_kinds.build_holes,
    "hard-links": hostile_kinds.build_hard_links,
    "symlinks": hostile_kinds.build_symlinks,
    "specials": hostile_kinds.build_specials,
    "names": hostile_names.build_names,
    "long-path": hostile_names.build_long_path,
    "deep": hostile_names.build_deep,
    "wide": hostile_names.build_wide,
    "owners": hostile_attributes.build_owners,
    "xattrs": hostile_attributes.build_xattrs,
    "acls": hostile_attributes.build_acls,
    "times": hostile_attributes.build_times,
    "modes": hostile_attributes.build_modes,
}
_BASE_TIME_NS = 1_700_000_000_000_000_000
_WORDS = (
    "import",
    "return",
    "class",
    "vault",
    "pack",
    "blob",
    "point",
    "replica",
    "site",
    "self",
    "none",
    "while",
    "yield",
)
_SUFFIXES = (".py", ".c", ".h", ".md", ".json", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostileTree:
    """What was built below `root`; each part is a directory of that name."""

    root: Path
    parts: tuple[str, ...]
    refused: tuple[str, ...]  # what this machine or user could not make, and why


def build_hostile_tree(root: Path, *, leave_out: Collection[str] = ()) -> HostileTree:
    """Build every kind of file, name and attribute; `leave_out` names parts not wanted.

    Complete only for root on a file system with xattrs and ACLs: look at `refused`.
    """
    unknown = set(leave_out) - set(HOSTILE_PARTS)
    if unknown:
        raise ValueError(f"no such parts: {sorted(unknown)}")
    parts = tuple(part for part in HOSTILE_PARTS if part not in leave_out)
    refused: list[str] = []
    for part in parts:
        plot = Plot(root / part)
        HOSTILE_PARTS[part](plot)
        refused += plot.refused
    return HostileTree(root=root, parts=parts, refused=tuple(refused))


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Paths relative to the tree's root, as `change_tree` left them."""

    edited: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]


def build_small_tree(
    root: Path, seed: int, *, files: int = 60, mean_size: int = 2000, files_per_folder: int = 8
) -> tuple[str, ...]:
    """Build a source-like tree, the same for the same arguments; return the files' paths."""
    dice = random.Random(seed)  # noqa: S311  repeatable, no secret
    folders = ["."]
    for _ in range(files // files_per_folder):
        parent = dice.choice(folders)
        folders.append(os.path.normpath(f"{parent}/{dice.choice(_WORDS)}-{len(folders)}"))
    paths = tuple(_file_name(dice, folders, number) for number in range(files))
    for number, path in enumerate(paths):
        _write(root / path, _content(dice, mean_size), _BASE_TIME_NS + number * 1_000_000_007)
    for folder in sorted(folders, reverse=True):
        if (root / folder).is_dir():
            os.utime(root / folder, ns=(_BASE_TIME_NS, _BASE_TIME_NS))
    return paths


def change_tree(root: Path, seed: int, fraction: float) -> Changes:
    """Edit, add and remove about `fraction` of the files, at least one of each kind."""
    dice = random.Random(seed)  # noqa: S311  repeatable, no secret
    files = sorted(
        os.path.relpath(os.path.join(folder, name), root)
        for folder, _, names in os.walk(root)
        for name in names
        if os.path.isfile(os.path.join(folder, name))
    )
    wanted = max(1, round(len(files) * fraction / 3))
    chosen = dice.sample(files, min(len(files), 2 * wanted))
    edited, removed = chosen[:wanted], chosen[wanted:]
    added = [f"{os.path.dirname(path) or '.'}/added-{seed}-{i}" for i, path in enumerate(edited)]
    later = _BASE_TIME_NS + (seed + 1) * 10**12
    for path in edited:
        content = (root / path).read_bytes()
        _write(root / path, content[: len(content) // 2] + _content(dice, 500), later)
    for path in removed:
        (root / path).unlink()
    for path in added:
        _write(root / path, _content(dice, 2000), later)
    return Changes(
        edited=tuple(sorted(edited)),
        added=tuple(sorted(os.path.normpath(path) for path in added)),
        removed=tuple(sorted(removed)),
    )


def _file_name(dice: random.Random, folders: list[str], number: int) -> str:
    name = f"{dice.choice(_WORDS)}{number}{dice.choice(_SUFFIXES)}"
    return os.path.normpath(f"{dice.choice(folders)}/{name}")


def _content(dice: random.Random, mean_size: int) -> bytes:
    """Text of random length; one in ten is noise, one in twenty is empty."""
    size = round(dice.expovariate(1 / mean_size)) + 1
    match dice.randrange(20):
        case 0:
            return b""
        case 1 | 2:
            return dice.randbytes(size)
        case _:
            pass
    words = dice.choices(_WORDS, k=size // 6 + 1)
    return f"{dice.random()} {' '.join(words)}".encode()[:size]


def _write(path: Path, content: bytes, mtime_ns: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, ns=(mtime_ns, mtime_ns))
