"""Restore regular files: decide for each whether it is there already, how it is written, and by whom.

What is there is compared by its content, never by its size and times: a restore that was killed,
a power cut or a clever program can leave those right and the bytes wrong.
"""

import os

from holdfast.base.ids import BlobId
from holdfast.files.restore.desk import Desk, Item
from holdfast.files.restore.long_files import LongFiles
from holdfast.files.restore.policy import Step
from holdfast.files.restore.small_files import SmallFiles


class Files:
    """Places regular files of one worker. Small ones wait in a window until `flush`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._small = SmallFiles(desk)
        self.long = LongFiles(desk)
        self.flush = self._small.flush

    def add_new(self, item: Item, content: list[str]) -> None:
        """Bring a file to a place where nothing can be yet."""
        if len(content) == 1:
            self._small.wait_for(BlobId(bytes.fromhex(content[0])), item)
        else:
            self.place(item, None, Step.CREATE)

    def place(self, item: Item, status: os.stat_result | None, step: Step) -> None:
        """Bring the file, or put it off until its blob is read."""
        blobs = [BlobId(bytes.fromhex(one)) for one in item.node.content or ()]
        there = status if step in (Step.COMPARE, Step.REWRITE) else None
        if there is not None and there.st_nlink > max(1, item.node.links):
            there = None  # it has names the point knows nothing of
        compare = there is not None and step is Step.COMPARE
        if len(blobs) > 1:
            self.long.place(item, blobs, there, compare=compare)
        elif compare and self._small.is_unchanged(item, blobs):
            self._desk.count_file(item, unchanged=True)
        elif self._desk.options.dry_run:
            self._desk.outcome.bytes_written += item.node.size
            self._desk.count_file(item)
        elif blobs:
            self._small.wait_for(blobs[0], item)
        else:
            self._small.write_new(item, b"")
