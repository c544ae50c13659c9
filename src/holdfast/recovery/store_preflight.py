"""Whether a folder can take in what a machine writes when it is started upon a replica."""

import os
from collections.abc import Iterator
from pathlib import Path

from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.base.units import format_size
from holdfast.recovery.promotion_errors import PromotionFolderClosed, PromotionSpaceShort
from holdfast.replication.replica_folder import RESERVE, room_of

_RESERVE_SHARE = 50


def store_problems(folder: Path, *, about: str) -> Iterator[HoldfastError]:
    if not os.access(folder, os.W_OK):
        yield PromotionFolderClosed(about=about, path=folder, reason=_("it cannot be written"))
        return
    room = room_of(folder)
    needed = min(RESERVE, room.total // _RESERVE_SHARE)
    if room.free < needed:
        yield PromotionSpaceShort(
            about=about, path=folder, free=format_size(room.free), needed=format_size(needed)
        )
