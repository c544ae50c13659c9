"""The results as a table for people, as a page for docs/, and as JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bench import tables
from bench.figures import MEMORY_LIMIT, Row, Sample
from bench.machine import Machine

_TREES = {
    "mixed": "118 k files, 2.9 GB at scale 1: a source tree, a package tree, a few big files",
    "tiny": "200 k files of 100 to 2000 bytes at scale 1",
    "image": "a VM disk of 4 GiB at scale 1: noise, text, written zeros, holes",
}
_WORKS = {
    "first": "first backup",
    "unchanged": "backup, nothing changed",
    "changed": "backup, 1 % changed",
    "restore": "restore into an empty folder",
    "check": "check, all data read",
    "prune": "prune, 10 of 20 points dropped",
    "mount": "400 random reads over a mount",
}
_HOW = """\
## How it is measured

Each work is done by each program in the same call, on the same data, another program first each round; the table shows medians.
The data and, where a vault is read, the vault are read once beforehand, so the page cache is warm for everyone; after each run dirty pages are written out before the next one starts.
Before each run free memory is written to once, so that nobody pays for what a virtual machine's host takes back from an idle guest.
The ratio is our wall time divided by that of the *faster* peer; below 1 we are faster.
Each program has its own empty cache and vault at the start of a round, restores go to an empty folder on the same file system, and in the first round what we restored is compared with the source in every attribute.
Peak memory is the kernel's maximum for a program of one process, and for several processes the sum of their proportional set sizes (shared memory counts once), looked at every 50 ms while what they hold changes: a peak shorter than that can be missed.
Holdfast runs on the distribution's own Python, as its Debian package and borg do: a Python that somebody built without profiling takes up to a fifth longer.
Restic runs with its defaults (format 2, zstd), borg with `repokey`, `--compression zstd,3` to compress as hard as restic, and `extract --sparse`.

## What to bear in mind

Holdfast and restic sync every pack to the disk before they call a backup done, borg syncs every segment; nobody syncs what it restores.
Borg keeps its encryption key in the vault behind PBKDF2, Holdfast and restic use scrypt: a quarter and half a second.
Holdfast keeps its key sealed in the kernel's keyring for a quarter of an hour after it was used, so only `vault create`, which is not measured, derives it here; `--no-keyring` turns that off.
Borg reads a file again only if its change time, size or inode differ, restic and Holdfast look at the modification time as well.
At scales below 1 fixed costs (start, key derivation) weigh more than they would on real trees.
Small differences between runs on a shared machine mean nothing; a ratio near its target should be measured again.
"""


def text_table(rows: Sequence[Row], names: Sequence[str]) -> str:
    """Lay the rows out in columns for a terminal."""
    return tables.columns([_header(names), *(_cells(row, names) for row in rows)])


def markdown_table(rows: Sequence[Row], names: Sequence[str]) -> str:
    return tables.markdown([_header(names), *(_cells(row, names) for row in rows)])


def page(
    rows: Sequence[Row], names: Sequence[str], *, machine: Machine, options: dict[str, str]
) -> str:
    """Write docs/benchmarks.md; nothing on it is written by hand."""
    words = {row.work: _WORKS[row.work] for row in rows} | {r.tree: _TREES[r.tree] for r in rows}
    meaning = [f"- {word}: {text}" for word, text in words.items()]
    parts = [
        "# Benchmarks",
        "This page is written by `./run bench files --write-docs`; run it to get your own.",
        tables.facts(machine, options),
        markdown_table(rows, names),
        "\n".join(meaning),
        _HOW.rstrip(),
    ]
    return "\n\n".join(parts) + "\n"


def as_json(
    rows: Sequence[Row],
    samples: Sequence[Sample],
    *,
    machine: Machine,
    options: dict[str, str],
) -> str:
    results = [asdict(row) | {"ratio": row.ratio, "target": str(row.target)} for row in rows]
    return tables.as_json(results, samples, machine=machine, options=options)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _header(names: Sequence[str]) -> list[str]:
    shown = " / ".join(names)
    head = ["work", "tree", *(f"{name} s" for name in names), "ratio", "target", "met"]
    return [*head, f"peak MB: {shown}", "of restic's", f"vault MB: {shown}"]


def _cells(row: Row, names: Sequence[str]) -> list[str]:
    medians = [row.medians.get(name) for name in names]
    met = {None: "-", True: "yes", False: "NO"}[row.is_met]
    memory = "-" if row.memory_ratio is None else f"{row.memory_ratio:.2f}"
    if row.memory_ratio is not None and row.memory_ratio > MEMORY_LIMIT:
        memory += f" (> {MEMORY_LIMIT})"
    return [
        row.work,
        row.tree,
        *("-" if m is None else f"{m.seconds:.2f}" for m in medians),
        "-" if row.ratio is None else f"{row.ratio:.2f}",
        str(row.target),
        met,
        " / ".join("-" if m is None else f"{m.peak_bytes / 1e6:.0f}" for m in medians),
        memory,
        " / ".join("-" if m is None else f"{m.vault_bytes / 1e6:.0f}" for m in medians),
    ]
