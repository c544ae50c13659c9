"""The file systems of a guest held for an instant, and the proof that they were held throughout."""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.agent_answers import GuestFilesystem, GuestSystem
from holdfast.machines.dead_man import DeadMan, Programs, arm, disarm
from holdfast.machines.downgrades import downgrade, downgrade_by
from holdfast.machines.freeze_mark import FreezeMark
from holdfast.machines.points import Downgrade

_RETRY_SECONDS: Final = 0.5
# After the dead man's time the guest runs again, whether or not anybody can be asked about it.
_GRACE_SECONDS: Final = 5.0

# Nothing in them is ever half written.
_NEVER_WRITTEN: Final = frozenset(("squashfs", "iso9660", "udf", "erofs", "cramfs"))

_Answer = TypeVar("_Answer")


class Agent(Protocol):
    """What a freeze asks of a guest's agent: hypervisor.guest_agent.GuestAgent."""

    def ask(self, command: str, answer: type[_Answer]) -> _Answer: ...

    def freeze(self, mountpoints: tuple[str, ...] = (), *, within: float = 60.0) -> int: ...

    def thaw(self, *, within: float = 10.0) -> int: ...

    def is_frozen(self) -> bool: ...

    def system(self) -> GuestSystem: ...

    def filesystems(self) -> tuple[GuestFilesystem, ...]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeLimits:
    """A freeze that takes longer is given up; the dead man's time counts from before it."""

    freeze_seconds: float = 20.0
    dead_man_seconds: float = 30.0
    # None named: all that the agent finds.
    mountpoints: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Held:
    """What came of one freeze; complete when the guest runs on."""

    frozen: int = 0
    thawed: int = 0
    milliseconds: float = 0.0
    reason: Downgrade | None = None

    @property
    def was_throughout(self) -> bool:
        return self.reason is None


class FileSystems:
    """Those of one guest. Nothing here fails: what did not work is the reason in `Held`."""

    def __init__(
        self, agent: Agent, programs: Programs, clock: Clock, *, about: str, mark: FreezeMark
    ) -> None:
        self._agent = agent
        self._programs = programs
        self._clock = clock
        self._about = about
        self._mark = mark

    @contextlib.contextmanager
    def held(self, limits: FreezeLimits) -> Iterator[Held]:
        """The instant belongs into the block."""
        result = Held()
        # The agent of a frozen guest cannot be asked any more.
        missed = self._missed(limits)
        due = self._clock.monotonic() + limits.dead_man_seconds + _GRACE_SECONDS
        dead_man = self._armed(limits, result)
        if dead_man is None:
            yield result
            return
        began = self._clock.monotonic()
        try:
            self._freeze(limits, result)
            if not result.was_throughout:
                # Half a freeze is of no use to the instant, and of harm to the guest.
                self._thaw(due, result)
            yield result
        finally:
            if result.was_throughout:
                self._thaw(due, result)
            result.milliseconds = (self._clock.monotonic() - began) * 1000
            self._disarm(dead_man, result)
            if result.was_throughout:
                result.reason = missed

    def _missed(self, limits: FreezeLimits) -> Downgrade | None:
        """What a list of mount points leaves out, if it is anything that may be half written."""
        if not limits.mountpoints:
            return None
        try:
            mounted = self._agent.filesystems()
        except HoldfastError as err:
            return downgrade("partly-frozen", str(err.args[0]))
        missed = left_out(mounted, limits.mountpoints)
        return downgrade("partly-frozen", ", ".join(missed)) if missed else None

    def _armed(self, limits: FreezeLimits, result: Held) -> DeadMan | None:
        try:
            dead_man = arm(self._programs, seconds=limits.dead_man_seconds, about=self._about)
            # Before the freeze: who dies in between must not leave one that nobody knows of.
            self._mark.set(dead_man)
        except HoldfastError as err:
            result.reason = downgrade_by(err)
        except OSError as err:
            result.reason = downgrade("freeze-failed", str(err))
        else:
            return dead_man
        return None

    def _freeze(self, limits: FreezeLimits, result: Held) -> None:
        try:
            result.frozen = self._agent.freeze(limits.mountpoints, within=limits.freeze_seconds)
        except HoldfastError as err:
            result.reason = downgrade("freeze-failed", str(err.args[0]))
            return
        if result.frozen == 0:
            result.reason = downgrade("nothing-frozen")

    def _thaw(self, due: float, result: Held) -> None:
        """Until somebody answers: an agent may be started anew, or still be freezing."""
        while True:
            try:
                result.thawed = self._agent.thaw()
                break
            except HoldfastError as err:
                if self._clock.monotonic() >= due:
                    result.reason = downgrade("agent-lost", str(err.args[0]))
                    return
                self._clock.sleep(_RETRY_SECONDS)
        self._mark.clear()
        if result.thawed != result.frozen and result.was_throughout:
            counts = f"{result.thawed} != {result.frozen}"
            result.reason = downgrade("thaw-differs", counts)

    def _disarm(self, dead_man: DeadMan, result: Held) -> None:
        # Unanswered: it sleeps out its time, and thaws what is not frozen.
        if disarm(self._programs, dead_man) is False and result.was_throughout:
            result.reason = downgrade("dead-man-fired")


def left_out(mounted: Iterable[GuestFilesystem], chosen: Iterable[str]) -> list[str]:
    """File systems, by where they are mounted, that a freeze of the chosen ones does not hold.

    One that is mounted twice is held wherever it is frozen.
    """
    writable = [each for each in mounted if each.kind not in _NEVER_WRITTEN]
    chosen = frozenset(chosen)
    held = {each.device for each in writable if each.mountpoint in chosen}
    return sorted(each.mountpoint for each in writable if each.device not in held)
