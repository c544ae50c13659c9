"""Back up files: from paths to a snapshot that restic can read."""

import contextlib
import gc
import hashlib
import os
from collections.abc import Callable, Iterator
from errno import ENOENT

import msgspec

from holdfast.base.errors import HoldfastError
from holdfast.base.ids import BlobId, FileId, SnapshotId, TreeId
from holdfast.base.texts import _
from holdfast.files.backup.assembly import Assembly
from holdfast.files.backup.file_cache import FileCache, RootRecord, Roots
from holdfast.files.backup.messages import FolderTask, Skip
from holdfast.files.backup.own_files import own_nodes
from holdfast.files.backup.pipeline import Pipeline
from holdfast.files.backup.pool import Pool
from holdfast.files.backup.roots import Root, find_roots, logical_roots, top_tree
from holdfast.files.backup.settings import WorkerSettings
from holdfast.files.backup.tally import Tally
from holdfast.files.backup.worker import WorkerMeans
from holdfast.files.errors import PatternsUnreadable
from holdfast.files.excludes import Rules, read_patterns
from holdfast.files.mounts import MountKind, kind_of, read_mounts
from holdfast.files.options import BackupOptions, Excludes
from holdfast.files.report import (
    BackupReport,
    OnProgress,
    Skipped,
    SkipReason,
    no_progress,
    reason_of,
)
from holdfast.storage.errors import FileMissing
from holdfast.vault.claims import Claims
from holdfast.vault.index_keeper import IndexKeeper
from holdfast.vault.layout import INDEX, SNAPSHOTS
from holdfast.vault.pack_header import Kind
from holdfast.vault.pack_sinks import PackSink, TreeSink
from holdfast.vault.repository import Repository
from holdfast.vault.snapshot import PROGRAM, SnapshotFile, Summary
from holdfast.vault.uploads import Uploads

# In flight beside the packs that are being filled, even where one is stored at a time.
_SPARE_SLOTS = 2


def _nothing() -> None:
    """No lock to look after."""


class BackupJob(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup needs.

    `read_at` says where roots, or folders below them, are read with all below: from a snapshot.
    `devices` maps device numbers of snapshots to those they stand for.
    `still_ours` raises when the lock that keeps prune away was lost.
    """

    repository: Repository
    options: BackupOptions
    on_progress: OnProgress = no_progress
    still_ours: Callable[[], None] = _nothing
    read_at: dict[bytes, bytes] = msgspec.field(default_factory=dict)
    devices: dict[int, int] = msgspec.field(default_factory=dict)


def back_up(job: BackupJob) -> BackupReport:
    """Read the paths, store what is new, and write the snapshot last."""
    run = _Run(job)
    try:
        return run.run()
    finally:
        run.close()


class _Run:
    """One backup under way."""

    def __init__(self, job: BackupJob) -> None:
        self._job = job
        self._repository = job.repository
        self._clock = job.repository.clock
        self._warnings: list[str] = []
        self._started = self._clock.now()
        self._began = self._clock.monotonic()
        self._summary = Summary(backup_start=self._started.isoformat(), backup_end="")
        self._missing: list[Skip] = []
        self._roots = find_roots(
            job.options.paths, job.read_at, job.devices, on_missing=self._note_missing
        )
        self._patterns = _patterns(job.options.excludes)
        self._index_files = [str(name) for name in self._repository.files.names(INDEX)]
        self._cache = self._open_cache()
        self._tasks: list[FolderTask] = []
        self._above: list[str] = []

    def run(self) -> BackupReport:
        self._compare_roots()
        uploads = Uploads(self._repository.storage)
        pool = Pool(self._means(), workers=self._job.options.workers, slots=self._slots())
        try:
            pipeline = self._pipeline(pool, uploads)
            with _named_when_stopped(pipeline), _no_collection():
                tree = self._read(pipeline)
        finally:
            pool.kill()
            uploads.stop()
            pool.close()
        self._summary.data_added_packed = uploads.bytes_stored
        # What was loaded before does not know what was stored now.
        self._repository.forget_index()
        return self._commit(pipeline, tree)

    def close(self) -> None:
        """Let the next backup write the cache."""
        self._cache.close()

    def _read(self, pipeline: Pipeline) -> TreeId:
        for root in self._roots:
            before = self._known(root)
            task = root.task(before.record) if before else root.task()
            self._tasks.append(pipeline.assembly.start(task))
        pipeline.run(self._tasks)
        tree = self._top_tree(pipeline)
        pipeline.finish()
        return tree

    def _top_tree(self, pipeline: Pipeline) -> TreeId:
        assembly = pipeline.assembly
        extra = own_nodes(
            assembly.skipped,
            identity=self._repository.identity,
            taken_ns=int(self._started.timestamp()) * 10**9,
            store=lambda blob, content: self._store(pipeline, blob, content),
            trees=pipeline.trees,
        )
        nodes = [assembly.root_nodes[task.number] for task in self._tasks]
        before = self._cache.roots
        if before is not None and self._is_trusted:
            pipeline.trees.assume(TreeId(bytes.fromhex(tree)) for tree in before.above)
        return top_tree(
            list(zip(self._roots, nodes, strict=True)), extra, self._put_above(pipeline)
        )

    def _put_above(self, pipeline: Pipeline) -> Callable[[list[bytes]], TreeId]:
        """Trees at the top are noted, so that an unchanged backup need not ask for them."""

        def put(pieces: list[bytes]) -> TreeId:
            tree = pipeline.trees.put_nodes(pieces)
            self._above.append(tree.hex())
            return tree

        return put

    def _store(self, pipeline: Pipeline, blob: BlobId, content: bytes) -> None:
        """Store a blob of our own, unless an earlier point has the very same."""
        if not self._repository.has_blob(Kind.DATA, blob):
            pipeline.rests.open.add(Kind.DATA, blob, content)
            self._summary.data_blobs += 1
            self._summary.data_added += len(content)

    def _commit(self, pipeline: Pipeline, tree: TreeId) -> BackupReport:
        parent = self._parent()
        self._summary.backup_end = self._clock.now().isoformat()
        self._job.still_ours()
        snapshot = self._repository.save_snapshot(self._snapshot(tree, parent))
        self._cache.commit(self._roots_record(pipeline, snapshot))
        return BackupReport(
            snapshot=snapshot,
            parent=parent,
            summary=self._summary,
            seconds=self._clock.monotonic() - self._began,
            skipped=tuple(_skipped(skip) for skip in sorted(pipeline.assembly.skipped, key=_path)),
            warnings=tuple(self._warnings),
        )

    def _pipeline(self, pool: Pool, uploads: Uploads) -> Pipeline:
        sealer = self._repository.files.sealer
        trees = TreeSink(sealer, uploads, self._repository.has_blob, self._summary)
        before = self._cache.roots
        tally = Tally(
            self._summary,
            self._job.on_progress,
            self._clock,
            files_total=before.files if before else 0,
            bytes_total=before.size if before else 0,
        )
        assembly = Assembly(self._cache, trees, self._summary, self._job.read_at)
        assembly.skipped += self._missing
        return Pipeline(
            pool=pool,
            assembly=assembly,
            trees=trees,
            rests=PackSink(sealer, uploads),
            uploads=uploads,
            index=IndexKeeper(self._repository, self._job.still_ours),
            on_counts=tally.count,
        )

    def _means(self) -> WorkerMeans:
        options = self._job.options
        if self._cache.roots is None or not self._is_trusted:
            # Everything will be looked up: better once here than by each worker.
            self._repository.load_index()
        return WorkerMeans(
            master=self._repository.files.master,
            has=self._repository.has_blob,
            cache=self._cache,
            claims=Claims(),
            settings=WorkerSettings(
                force=options.force,
                trust_cache=self._is_trusted,
                larger_than=options.excludes.larger_than,
                caches=options.excludes.caches,
                ignore_names=options.excludes.ignore_names,
                rules=self._rules(),
                left_out=options.excludes.left_out,
                left_out_names=options.excludes.left_out_names,
                one_file_system=options.excludes.one_file_system,
                closed_devices=_closed_devices(remote=options.excludes.remote),
                clock=self._clock,
                elsewhere=_by_folder(self._job.read_at),
                hollow_devices=_hollow_devices(),
                devices=self._job.devices,
            ),
        )

    @property
    def _is_trusted(self) -> bool:
        """Whether what the cache speaks of is in the vault: its index files are all still there."""
        before = self._cache.roots
        return before is None or set(self._index_files).issuperset(before.index_files)

    def _rules(self) -> dict[bytes, Rules]:
        folders = [root.logical for root in self._roots if root.is_folder]
        return {folder: Rules().with_patterns(self._patterns, folder) for folder in folders}

    def _slots(self) -> int:
        return self._job.options.workers + max(_SPARE_SLOTS, self._repository.storage.parallel)

    def _open_cache(self) -> FileCache:
        # By what was asked for: a path that is missing today must not cost the others their cache.
        paths = b"\0".join(logical_roots(self._job.options.paths))
        name = hashlib.blake2b(paths, digest_size=8)
        scratch = self._repository.cache
        folder = os.path.join(scratch, "files") if scratch else None
        return FileCache(folder, name.hexdigest(), self._cache_was_unusable)

    def _cache_was_unusable(self, reason: str) -> None:
        text = _(
            "The cache of unchanged files was unusable and is made anew, so that every file is "
            "read this time (SalBitmapError): {reason}"
        )
        self._warnings.append(text.format(reason=reason))

    def _known(self, root: Root) -> RootRecord | None:
        before = self._cache.roots
        return before.roots.get(root.logical.hex()) if before else None

    def _note_missing(self, path: bytes, err: OSError) -> None:
        number = err.errno or ENOENT
        self._missing.append(Skip(path, number, reason_of(number).value, err.strerror or ""))

    def _compare_roots(self) -> None:
        """A root that is another folder than last time is worth a word: somebody replaced it."""
        for root in self._roots:
            before = self._known(root)
            # A file gets another inode whenever an editor saves it.
            if before and before.inode != root.inode and root.is_folder:
                text = _(
                    "{path} was deleted and created again since the last backup (critical "
                    "inconsistency); everything in it is compared anew"
                )
                self._warnings.append(text.format(path=os.fsdecode(root.logical)))

    def _parent(self) -> SnapshotId | None:
        before = self._cache.roots
        if before is None:
            return None
        name = SnapshotId(FileId(before.snapshot))
        try:
            self._repository.storage.size(f"{SNAPSHOTS}/{name}")
        except FileMissing:
            return None
        return name

    def _snapshot(self, tree: TreeId, parent: SnapshotId | None) -> SnapshotFile:
        identity = self._repository.identity
        options = self._job.options
        return SnapshotFile(
            time=(options.time or self._started).isoformat(),
            parent=parent or "",
            tree=tree.hex(),
            paths=[_shown(root.logical) for root in self._roots],
            hostname=_text(options.host),
            username=identity.username,
            uid=identity.uid,
            gid=identity.gid,
            excludes=list(map(_text, options.excludes.patterns)),
            tags=list(map(_text, options.tags)),
            program_version=PROGRAM,
            summary=self._summary,
        )

    def _roots_record(self, pipeline: Pipeline, snapshot: SnapshotId) -> Roots:
        finished = [pipeline.assembly.roots[task.number] for task in self._tasks]
        return Roots(
            snapshot=snapshot,
            index_files=self._index_files + [str(name) for name in pipeline.index.written],
            roots={
                root.logical.hex(): RootRecord(each.record, root.inode, each.tree.hex())
                for root, each in zip(self._roots, finished, strict=True)
            },
            files=self._summary.total_files_processed,
            size=self._summary.total_bytes_processed,
            above=self._above,
        )


def _patterns(excludes: Excludes) -> list[str]:
    patterns = list(excludes.patterns)
    for path in excludes.pattern_files:
        try:
            with open(path, "rb") as source:
                patterns += read_patterns(source.read())
        except OSError as err:
            raise PatternsUnreadable(path=os.fsdecode(path), reason=err.strerror) from err
    return patterns


def _closed_devices(*, remote: bool) -> frozenset[int]:
    """File systems below a root that are not walked into: the kernel's own, and remote ones."""
    closed = {MountKind.PSEUDO, MountKind.REMOTE} if remote else {MountKind.PSEUDO}
    return frozenset(mount.device for mount in read_mounts() if kind_of(mount.kind) in closed)


def _hollow_devices() -> frozenset[int]:
    return frozenset(mount.device for mount in read_mounts() if mount.kind == b"btrfs")


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """No garbage collection: millions of small values come and go, and none are in cycles."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextlib.contextmanager
def _named_when_stopped(pipeline: Pipeline) -> Iterator[None]:
    """What is durable when a run is stopped need not be stored again by the next."""
    try:
        yield
    except BaseException:
        # Best effort; the error that brought us here is the one to be told.
        with contextlib.suppress(HoldfastError, OSError):
            pipeline.uploads.stop()
            for pack in pipeline.uploads.stored():
                pipeline.index.add(pack)
            pipeline.index.save()
        raise


def _by_folder(read_at: dict[bytes, bytes]) -> dict[bytes, dict[bytes, bytes]]:
    found: dict[bytes, dict[bytes, bytes]] = {}
    for logical, physical in read_at.items():
        folder, name = os.path.split(logical)
        found.setdefault(folder, {})[name] = physical
    return found


def _path(skip: Skip) -> bytes:
    return skip.path


def _skipped(skip: Skip) -> Skipped:
    reason = SkipReason(skip.reason)
    return Skipped(path=skip.path, errno=skip.errno, reason=reason, detail=skip.detail)


def _text(argument: str) -> str:
    """The same for what was typed on a command line."""
    return _shown(argument.encode("utf-8", "surrogateescape"))


def _shown(path: bytes) -> str:
    """A path for a snapshot's JSON, which holds no bytes that are not UTF-8."""
    return path.decode("utf-8", "replace")
