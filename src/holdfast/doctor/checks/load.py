"""Whether a host or a guest has more to do than it can."""

from typing import Protocol

from holdfast.doctor.checks.agent_judging import Look


class Loaded(Protocol):
    """Both as shares of what there is; None where it could not be seen."""

    @property
    def load(self) -> float | None: ...

    @property
    def memory_free(self) -> float | None: ...


def is_busy(one: Loaded, look: Look) -> bool | None:
    if one.load is None or one.memory_free is None:
        return None
    limits = look.params
    return one.load > limits.number("load") or one.memory_free < limits.number("free")


def shares(one: Loaded, _look: Look) -> dict[str, object]:
    return {"load": f"{one.load or 0.0:.0%}", "free": f"{one.memory_free or 0.0:.0%}"}
