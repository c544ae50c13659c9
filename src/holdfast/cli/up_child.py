"""Server or agent as a process of `holdfast up`: when that dies, even by kill -9, this ends as well.

Nobody would be there to stop it, and the next `up` could not tell what it found.
"""

import contextlib
import ctypes
import os
import signal
import sys
from typing import NoReturn

from holdfast.cli.lean import leave
from holdfast.cli.main import main

_PR_SET_PDEATHSIG = 1


def run() -> NoReturn:
    parent, *words = sys.argv[1:]
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))
    # It may have died before we asked to be told.
    if os.getppid() != int(parent):
        leave(0)
    leave(main(words))


if __name__ == "__main__":
    run()
