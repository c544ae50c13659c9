"""What the interpreter and a library do of their own accord, and no command profits from."""

import gc
import os

# Nearly all that a command makes lives until its end or is freed at once: few cycles, seldom sought.
_BETWEEN_COLLECTIONS = 50_000


def stay_lean() -> None:
    gc.set_threshold(_BETWEEN_COLLECTIONS, 20, 20)
    # numpy's OpenBLAS would start a thread for each core, which spins and has nothing to do. Not in
    # os.environ: hooks and other programs we start shall compute as they like.
    os.putenv("OPENBLAS_NUM_THREADS", "1")


def end_lean() -> None:
    """Right before the end: the kernel takes the memory back sooner than cycles are sought in it."""
    gc.freeze()
