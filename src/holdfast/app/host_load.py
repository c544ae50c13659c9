"""How much of its processors and memory this host has left."""

import contextlib
import os

_MEMORY = "/proc/meminfo"
_FIVE, _FIFTEEN = 1, 2


def load_of_minutes() -> dict[str, object]:
    """As a backup meets it: over the last five minutes."""
    return _seen(_FIVE)


def load_of_quarter() -> dict[str, object]:
    """As what never ends meets it: over the last quarter of an hour."""
    return _seen(_FIFTEEN)


def _seen(average: int) -> dict[str, object]:
    """Shares of what there is; nothing where the kernel does not say."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        with open(_MEMORY, encoding="ascii") as stream:
            memory = {line.split(":")[0]: int(line.split()[1]) for line in stream}
        load = os.getloadavg()[average] / len(os.sched_getaffinity(0))
        free = memory["MemAvailable"] / memory["MemTotal"]
        return {"load": round(load, 2), "memory_free": round(free, 3)}
    return {}
