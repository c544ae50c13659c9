"""Lists of items left out: one a backup, the newest kept."""

import errno
import json
import os
from pathlib import Path

from holdfast.app.skipped_lists import write_skipped
from holdfast.base.ids import FileId, SnapshotId
from holdfast.files.report import BackupReport, Skipped, SkipReason
from holdfast.vault.snapshot import Summary

ODD = Skipped(path=b"/odd-\xff", errno=errno.EIO, reason=SkipReason.DAMAGED, detail="sector 7")


def _report(number: int) -> BackupReport:
    return BackupReport(
        snapshot=SnapshotId(FileId(f"{number:064x}")),
        parent=None,
        summary=Summary(backup_start="", backup_end=""),
        seconds=1.0,
        skipped=(ODD, ODD),
    )


def test_each_item_is_one_line_with_its_code(tmp_path: Path) -> None:
    path = write_skipped(str(tmp_path), _report(1))

    lines = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
    assert lines == 2 * [
        {"path": "/odd-\\xff", "code": "0x80070570", "errno": errno.EIO, "detail": "sector 7"}
    ]


def test_only_the_newest_lists_stay(tmp_path: Path) -> None:
    (tmp_path / "something-else").touch()
    for number in range(25):
        path = write_skipped(str(tmp_path), _report(number))
        os.utime(path, (number, number))

    left = sorted(tmp_path.glob("skipped-*.jsonl"))
    assert [int(path.stem.removeprefix("skipped-"), 16) for path in left] == list(range(5, 25))
    assert (tmp_path / "something-else").exists()
