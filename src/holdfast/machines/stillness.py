"""How the guest is held still for the instant of a point; without an agent it is not."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

from holdfast.machines.points import AgentFacts, Consistency, Downgrade


@dataclass(frozen=True, slots=True, kw_only=True)
class Stilled:
    """What came of it, known when the guest runs on."""

    consistency: Consistency
    downgrades: tuple[Downgrade, ...] = ()
    agent: AgentFacts | None = None
    # Between freeze and thaw.
    freeze_ms: float = 0.0


class Stillness(Protocol):
    """Never leaves a guest frozen, and never fails because one cannot be frozen."""

    def held(self) -> AbstractContextManager[None]:
        """The instant belongs into the block."""

    def outcome(self) -> Stilled:
        """After the block."""


class AsItIs:
    """Nothing is held: the point is as after a power failure."""

    def __init__(self, *reasons: Downgrade) -> None:
        self._reasons = reasons

    @contextmanager
    def held(self) -> Iterator[None]:
        yield

    def outcome(self) -> Stilled:
        return Stilled(consistency=Consistency.CRASH, downgrades=self._reasons)
