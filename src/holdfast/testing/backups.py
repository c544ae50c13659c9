"""A source, a vault and a scratch folder, and one backup after another, each with its own eyes."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from holdfast.base.clock import Clock, SystemClock
from holdfast.files.backup.job import BackupJob, back_up
from holdfast.files.options import BackupOptions, Excludes
from holdfast.files.report import BackupReport, OnProgress, no_progress
from holdfast.storage.directory import DirectoryStorage
from holdfast.storage.protocol import Storage
from holdfast.testing.clock import FakeClock
from holdfast.testing.points import differences_from, nodes_of
from holdfast.testing.vaults import PASSPHRASE, identity, small_vault
from holdfast.vault.opening import unlock
from holdfast.vault.repository import Repository
from holdfast.vault.snapshot import Snapshot
from holdfast.vault.tree import Node, encode_nodes


def later() -> FakeClock:
    """A clock an hour ahead: to it, no file was changed a moment ago."""
    return FakeClock(SystemClock().now() + timedelta(hours=1))


def _nothing() -> None:
    """Let it go on."""


@dataclass(slots=True, kw_only=True)
class BackupBench:
    """Every backup opens the vault anew, as the next process would."""

    root: Path
    clock: Clock = field(default_factory=later)
    workers: int = 1
    still_ours: Callable[[], None] = _nothing
    on_progress: OnProgress = no_progress
    on_opened: Callable[[], None] = _nothing
    storage: Storage = field(init=False)
    scratch: Path | None = field(init=False)

    def __post_init__(self) -> None:
        self.scratch = self.root / "scratch"
        self.source.mkdir()
        self.scratch.mkdir()
        self.vault.mkdir()
        self.storage = DirectoryStorage(str(self.vault))
        small_vault(self.storage)

    @property
    def source(self) -> Path:
        return self.root / "source"

    @property
    def vault(self) -> Path:
        return self.root / "vault"

    @property
    def logs(self) -> list[Path]:
        """The files of the cache of unchanged files."""
        return sorted((self.root / "scratch").glob("files/*"))

    def open(self, storage: Storage | None = None) -> Repository:
        place = storage or self.storage
        return Repository(
            storage=place,
            unlocked=unlock(place, PASSPHRASE),
            identity=identity(),
            clock=self.clock,
            cache=str(self.scratch) if self.scratch else None,
        )

    def write(self, path: str, content: bytes = b"content\n") -> Path:
        target = self.source / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        return target

    def back_up(
        self,
        *paths: Path,
        storage: Storage | None = None,
        excludes: Excludes | None = None,
        **options: Any,
    ) -> BackupReport:
        """Back up the source, or these paths."""
        wanted = BackupOptions(
            paths=tuple(map(os.fsencode, paths or (self.source,))),
            host="alpha",
            excludes=excludes or Excludes(),
            workers=self.workers,
            **options,
        )
        repository = self.open(storage)
        self.on_opened()
        job = BackupJob(
            repository=repository,
            options=wanted,
            still_ours=self.still_ours,
            on_progress=self.on_progress,
        )
        return back_up(job)

    def fresh(self, *paths: Path, **options: Any) -> BackupReport:
        """A backup that knows nothing of those before."""
        kept, self.scratch = self.scratch, None
        try:
            return self.back_up(*paths, **options)
        finally:
            self.scratch = kept

    def snapshot(self, report: BackupReport) -> Snapshot:
        return self.open().load_snapshot(report.snapshot)

    def tree(self, report: BackupReport) -> bytes:
        """The source's node with the id of its tree; the folders above it are others' business."""
        nodes = nodes_of(self.open(), self.snapshot(report).tree)
        return encode_nodes([nodes[os.fsencode(self.source)]])

    def stored(self, report: BackupReport) -> tuple[int, int]:
        """Blobs of content and of listings that were stored.

        Others work in the folders above the source, whose times stand in the listings up there:
        one for each of them may be new at any time, and is not counted.
        """
        above = len(self.source.parents)
        return report.summary.data_blobs, max(0, report.summary.tree_blobs - above)

    def nodes(self, report: BackupReport) -> dict[bytes, Node]:
        """The nodes below the source, by their path in it; ours by their absolute path."""
        root = os.fsencode(self.source) + b"/"
        found = nodes_of(self.open(), self.snapshot(report).tree)
        return {path.removeprefix(root): node for path, node in found.items()}

    def differences(self, report: BackupReport, **options: Any) -> list[str]:
        repository = self.open()
        return differences_from(
            self.source, repository, repository.load_snapshot(report.snapshot).tree, **options
        )

    def packs(self) -> set[str]:
        return {path.name for path in self.vault.glob("data/*/*")}
