"""Count what is done, and say so a few times a second."""

import os

from holdfast.base.clock import Clock
from holdfast.files.backup.messages import Counts
from holdfast.files.report import OnProgress, Phase, Progress
from holdfast.vault.snapshot import Summary

_SECONDS_BETWEEN = 0.2


class Tally:
    """`files_total` and `bytes_total` are what the last backup found: a guess, and a good one."""

    def __init__(
        self,
        summary: Summary,
        on_progress: OnProgress,
        clock: Clock,
        *,
        files_total: int,
        bytes_total: int,
    ) -> None:
        self._summary = summary
        self._on_progress = on_progress
        self._clock = clock
        self._files_total = files_total
        self._bytes_total = bytes_total
        self._current = b""
        self._next = 0.0
        self.bytes_read = 0

    def count(self, counts: Counts, path: bytes) -> None:
        summary = self._summary
        summary.files_new += counts.new
        summary.files_changed += counts.changed
        summary.files_unmodified += counts.unmodified
        summary.total_files_processed += counts.new + counts.changed + counts.unmodified
        summary.total_bytes_processed += counts.size
        summary.data_blobs += counts.blobs
        summary.data_added += counts.added
        self.bytes_read += counts.read
        self._current = path or self._current
        self.tell()

    def tell(self, *, always: bool = False) -> None:
        now = self._clock.monotonic()
        if now < self._next and not always:
            return
        self._next = now + _SECONDS_BETWEEN
        summary = self._summary
        self._on_progress(
            Progress(
                phase=Phase.BACKUP,
                files_done=summary.total_files_processed,
                files_total=max(self._files_total, summary.total_files_processed),
                bytes_done=max(summary.total_bytes_processed, self.bytes_read),
                bytes_total=max(self._bytes_total, summary.total_bytes_processed, self.bytes_read),
                current=os.fsdecode(self._current),
            )
        )
