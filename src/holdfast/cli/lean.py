"""What the interpreter and a library do of their own accord, and no command profits from."""

import atexit
import contextlib
import gc
import os
import sys
import threading
from typing import NoReturn

# Nearly all that a command makes lives until its end or is freed at once: few cycles, seldom sought.
_BETWEEN_COLLECTIONS = 50_000


def stay_lean() -> None:
    gc.set_threshold(_BETWEEN_COLLECTIONS, 20, 20)
    # numpy's OpenBLAS would start a thread for each core, which spins and has nothing to do. Not in
    # os.environ: hooks and other programs we start shall compute as they like.
    os.putenv("OPENBLAS_NUM_THREADS", "1")


def leave(status: int) -> NoReturn:
    """End the process without taking the interpreter apart: the kernel takes all back sooner.

    What others asked to have done at the end is done, and what was said is out.
    """
    if threading.active_count() > 1:
        # Threads that must end first, or lie dead: the long way knows how.
        gc.freeze()
        sys.exit(status)
    atexit._run_exitfuncs()  # noqa: SLF001  the interpreter offers no other way
    for stream in (sys.stdout, sys.stderr):
        # Nobody may be reading any more; the status says what had to be said of that.
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(status)
