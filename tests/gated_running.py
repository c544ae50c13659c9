"""`holdfast replication run`, which stands at a step of what it does for as long as a file says so.

The first argument is a folder: `frozen` in it is the step to stand at, and `at` says that it does.
Only whoever does that step waits; the site hears of the machine all the while.
"""

import sys
import time
from pathlib import Path

from holdfast.cli.main import run
from holdfast.replication.replicator import Replicator


def _gate(folder: Path) -> None:
    passes = Replicator._on_step

    def stands(self: Replicator, step: str) -> None:
        passes(self, step)
        wanted, at = folder / step, folder / "at"
        if wanted.exists():
            at.write_text(step)
            while wanted.exists():
                time.sleep(0.01)
            at.unlink(missing_ok=True)

    Replicator._on_step = stands  # type: ignore[method-assign]


if __name__ == "__main__":
    _gate(Path(sys.argv.pop(1)))
    run()
