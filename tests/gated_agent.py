"""`holdfast agent run`, whose jobs stand at each step of an act of recovery until they are let go.

The first argument is a folder: a job that has told of a step writes it into a file there, named by
its process, and waits until somebody removes that. It stands so whatever becomes of the agent, and
nowhere when there is no such folder any more.
"""

import contextlib
import io
import os
import sys
import time
from pathlib import Path

from holdfast.cli import agent_child, agent_run
from holdfast.cli.main import run

_BEGINS = (b'"event":"recovery-step"', b'"state":"running"')
_PART = b'"event":"test-part"'
_AS_A_JOB = "a-job"


class _Standing(io.RawIOBase):
    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._file = folder / str(os.getpid())

    def writable(self) -> bool:
        return True

    def write(self, said: object) -> int:
        content = bytes(said)  # type: ignore[call-overload]
        os.write(1, content)
        if _PART in content or all(mark in content for mark in _BEGINS):
            self._stand(content)
        return len(content)

    def _stand(self, content: bytes) -> None:
        made = self._file.with_suffix(".new")
        with contextlib.suppress(FileNotFoundError):
            made.write_bytes(content)
            made.rename(self._file)
        while self._file.exists():
            time.sleep(0.01)


if __name__ == "__main__":
    folder = Path(sys.argv.pop(1))
    if sys.argv[1] == _AS_A_JOB:
        sys.argv.pop(1)
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(_Standing(folder)), encoding="utf-8")
        agent_child.run()
    else:
        words = (sys.executable, __file__, str(folder), _AS_A_JOB)
        agent_run._GATED = words  # type: ignore[assignment]
        run()
