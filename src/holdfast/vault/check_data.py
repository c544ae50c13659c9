"""Read packs and prove every blob in them, with all the cores there are."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from holdfast.base.errors import HoldfastError
from holdfast.base.ids import FileId, PackId
from holdfast.vault import check_findings as sorts
from holdfast.vault.check_findings import Finding
from holdfast.vault.check_pack import PIECE, PackVerdict, verify_pack
from holdfast.vault.forking import ahead, forked
from holdfast.vault.index_packs import PackRows
from holdfast.vault.layout import pack_path
from holdfast.vault.pack_header import Span
from holdfast.vault.sealed_files import SealedFiles

# Called with the bytes read and those there are to read.
OnBytes = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class _Task:
    pack: PackId
    size: int


@dataclass(frozen=True, slots=True)
class _Outcome:
    pack: PackId
    size: int
    verdict: PackVerdict
    # What the first of two tries saw, where the second was good.
    first: PackVerdict | None = None


@dataclass(slots=True, kw_only=True)
class DataCheck:
    findings: list[Finding] = field(default_factory=list)
    good: list[PackId] = field(default_factory=list)
    bad: list[PackId] = field(default_factory=list)
    bytes_read: int = 0


def check_data(
    files: SealedFiles,
    rows: PackRows,
    packs: Sequence[tuple[PackId, int]],
    *,
    workers: int,
    on_bytes: OnBytes,
) -> DataCheck:
    """Read these packs, of the sizes given, once; a bad one once more."""
    # The largest first, so that the processes end together.
    tasks = [_Task(*pack) for pack in sorted(packs, key=lambda pack: -pack[1])]
    total = sum(task.size for task in tasks)
    result = DataCheck()

    def work(mine: Iterator[_Task]) -> Iterator[_Outcome]:
        return _outcomes(files, rows, mine, parallel=-(-files.storage.parallel // workers))

    on_bytes(0, total)
    for outcome in forked(tasks, work, workers=workers):
        result.bytes_read += outcome.size
        (result.good if outcome.verdict.is_good else result.bad).append(outcome.pack)
        result.findings += _findings(outcome)
        on_bytes(result.bytes_read, total)
    return result


def _outcomes(
    files: SealedFiles, rows: PackRows, tasks: Iterator[_Task], *, parallel: int
) -> Iterator[_Outcome]:
    def fetch(task: _Task) -> bytes | None:
        return files.storage.get(pack_path(task.pack)) if task.size <= PIECE else None

    for task, fetched in ahead(tasks, fetch, parallel=parallel):
        spans = rows.spans(rows.numbers[task.pack])
        try:
            content = fetched.result()
        except HoldfastError:
            content = None
        verdict = _verify(files, task, spans, content)
        if verdict.is_good:
            yield _Outcome(task.pack, task.size, verdict)
        else:
            # Memory and wires fail too: only what is wrong twice is damage.
            again = _verify(files, task, spans, None)
            yield _Outcome(task.pack, task.size, again, verdict if again.is_good else None)


def _verify(
    files: SealedFiles, task: _Task, spans: Sequence[Span], content: bytes | None
) -> PackVerdict:
    return verify_pack(
        files.storage, files.sealer, task.pack, spans, size=task.size, content=content
    )


def _findings(outcome: _Outcome) -> Iterator[Finding]:
    name = outcome.pack.hex()
    if outcome.first is not None:
        fields = {"name": name, "reason": _reason(outcome.first)}
        yield Finding(sort=sorts.PACK_UNSTEADY, fields=fields, file=FileId(name))
    found = outcome.verdict
    if found.is_good:
        return
    for sort, is_so, reason in (
        (sorts.PACK_UNREADABLE, found.unreadable is not None, found.unreadable),
        (sorts.BLOBS_DAMAGED, bool(found.broken) and found.unreadable is None, None),
        (sorts.PACK_HEADER, found.header is not None, found.header),
        (sorts.PACK_DIFFERS, found.differs, None),
        (sorts.PACK_CONTENT, found == PackVerdict(is_named_wrongly=True), None),
    ):
        if is_so:
            yield Finding(
                sort=sort,
                fields={"name": name, "reason": reason, "blobs": len(found.broken)},
                pack=outcome.pack,
                blobs=found.broken,
            )


def _reason(verdict: PackVerdict) -> str:
    """For experts, and in English: which of the proofs failed."""
    failed = verdict.unreadable or verdict.header
    return str(failed) if failed else f"{len(verdict.broken)} broken blobs"
