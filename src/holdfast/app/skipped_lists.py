"""The lists of items backups left out, kept in scratch for whoever looks later."""

import contextlib
import os

import msgspec

from holdfast.files.report import BackupReport, Skipped

_KEPT = 20
_PREFIX = "skipped-"


class SkippedLine(msgspec.Struct):
    """A line of the list in scratch."""

    path: str
    code: str
    errno: int
    detail: str


def write_skipped(scratch: str, report: BackupReport) -> str:
    """Write the list of one backup and return where it is; old ones go."""
    path = os.path.join(scratch, f"{_PREFIX}{report.snapshot}.jsonl")
    encode = msgspec.json.encode
    with open(path, "wb") as stream:
        stream.writelines(encode(_line(one)) + b"\n" for one in report.skipped)
    _drop_old(scratch)
    return path


def _line(one: Skipped) -> SkippedLine:
    path = one.path.decode(errors="backslashreplace")
    return SkippedLine(path=path, code=one.reason.value, errno=one.errno, detail=one.detail)


def _drop_old(scratch: str) -> None:
    with os.scandir(scratch) as found:
        lists = [entry for entry in found if entry.name.startswith(_PREFIX)]
    lists.sort(key=lambda entry: entry.stat().st_mtime_ns, reverse=True)
    for entry in lists[_KEPT:]:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(entry.path)
