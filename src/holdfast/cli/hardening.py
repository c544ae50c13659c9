"""A process that holds keys leaves no core dump, and other processes cannot look into it."""

import contextlib
import ctypes
import resource

_PR_SET_DUMPABLE = 4


def keep_secrets_in_memory() -> None:
    with contextlib.suppress(OSError, ValueError):
        # Only the soft limit: what a hook starts may want to raise its own again.
        _soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
