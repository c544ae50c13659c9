"""`holdfast`, which dies before the N-th of what an end of a replication changes; N comes first."""

import os
import shutil
import signal
import sys
from itertools import count
from typing import Any

from holdfast.app import replication_ending
from holdfast.cli.main import run

_CHANGES = (
    *("write_note", "sync_folder", "forget_checkpoints", "tidy_up", "give_autostart_back"),
    *("asked", "note_end"),
)


def _dying(at: int) -> None:
    numbers = count(1)
    _deadly(os, "unlink", numbers, at)
    _deadly(shutil, "rmtree", numbers, at)
    for name in _CHANGES:
        _deadly(replication_ending, name, numbers, at)


def _deadly(place: Any, name: str, numbers: "count[int]", at: int) -> None:
    real = getattr(place, name)

    def called(*given: Any, **named: Any) -> Any:
        if next(numbers) == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*given, **named)

    setattr(place, name, called)


if __name__ == "__main__":
    _dying(int(sys.argv.pop(1)))
    run()
