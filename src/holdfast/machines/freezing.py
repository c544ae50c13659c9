"""A guest held still for the instant of a point: hooks, a dead man's switch, freeze, thaw.

The order is: applications made quiet, dead man armed, frozen, [the instant], thawed, disarmed,
applications let go. A point is what its guest can prove: file systems count only if as many were
let go as had been held, applications only if all of their hooks said so on top.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import msgspec

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.agent_answers import Info
from holdfast.hypervisor.domains import Domain
from holdfast.hypervisor.errors import VmInWrongState, VmNotRunning
from holdfast.hypervisor.guest_agent import GuestAgent
from holdfast.hypervisor.guest_programs import GuestPrograms
from holdfast.machines.downgrades import downgrade, downgrade_by
from holdfast.machines.file_system_freeze import Agent, FileSystems, FreezeLimits, Held
from holdfast.machines.freeze_mark import FreezeMark
from holdfast.machines.points import AgentFacts, Consistency, Downgrade
from holdfast.machines.stillness import Stilled

FREEZE_COMMANDS: Final = ("guest-fsfreeze-freeze", "guest-fsfreeze-thaw", "guest-fsfreeze-status")
EXEC_COMMANDS: Final = ("guest-exec", "guest-exec-status")


@dataclass(frozen=True, slots=True, kw_only=True)
class HooksDone:
    """What hooks have achieved; `quiet` counts the applications that said they are."""

    quiet: int = 0
    downgrades: tuple[Downgrade, ...] = ()
    may_freeze: bool = True
    extension: str = ""
    extension_state: str = ""


class Hooks(Protocol):
    """Applications of a guest, told before and after.

    Neither call fails because a hook does; an error means that their owner wants no point then.
    """

    def before(self) -> HooksDone: ...

    def after(self) -> HooksDone:
        """After each `before` that came back, however the instant went."""


class NoHooks:
    """Nothing in the guest is told."""

    def before(self) -> HooksDone:
        return HooksDone(downgrades=(downgrade("extension-absent"),))

    def after(self) -> HooksDone:
        return HooksDone()


class Quiet:
    """A Stillness, for one instant."""

    def __init__(
        self,
        agent: Agent,
        file_systems: FileSystems,
        *,
        hooks: Hooks | None = None,
        limits: FreezeLimits | None = None,
    ) -> None:
        self._agent = agent
        self._file_systems = file_systems
        self._hooks = hooks or NoHooks()
        self._limits = limits or FreezeLimits()
        self._facts: AgentFacts | None = None
        self._reasons: list[Downgrade] = []
        self._quiet = 0
        self._held = Held(reason=downgrade("freeze-off"))

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        if not self._can_freeze():
            yield
            return
        with self._applications() as may_freeze:
            if not may_freeze:
                self._reasons.append(downgrade("freeze-off"))
                yield
                return
            with self._file_systems.held(self._limits) as self._held:
                yield

    def outcome(self) -> Stilled:
        held = self._held
        facts = self._facts
        if facts is not None:
            facts = msgspec.structs.replace(facts, frozen=held.frozen, thawed=held.thawed)
        return Stilled(
            consistency=self._consistency(),
            downgrades=tuple(self._reasons),
            agent=facts,
            freeze_ms=held.milliseconds,
        )

    def _consistency(self) -> Consistency:
        if not self._held.was_throughout:
            return Consistency.CRASH
        if self._quiet and not self._reasons:
            return Consistency.APPLICATION
        return Consistency.FILESYSTEM

    def _can_freeze(self) -> bool:
        """Whether the agent is there and able; the reason is noted if not."""
        try:
            info = self._agent.ask("guest-info", Info)
            self._facts = AgentFacts(version=info.version)
            reason = (
                _incapable(info) if not self._agent.is_frozen() else downgrade("already-frozen")
            )
        except (VmNotRunning, VmInWrongState) as err:
            reason = downgrade("guest-not-running", str(err.args[0]))
        except HoldfastError as err:
            reason = downgrade_by(err)
        if reason is not None:
            self._reasons.append(reason)
            return False
        self._ask_system()
        return True

    def _ask_system(self) -> None:
        with contextlib.suppress(HoldfastError):
            system = self._agent.system()
            if self._facts is not None:
                self._facts = msgspec.structs.replace(self._facts, os=system.name or "")

    @contextlib.contextmanager
    def _applications(self) -> Iterator[bool]:
        done = self._hooks.before()
        try:
            self._quiet = done.quiet
            self._take(done)
            if not done.quiet and not done.downgrades:
                self._reasons.append(downgrade("no-hooks"))
            yield done.may_freeze
        finally:
            if self._held.reason is not None and done.may_freeze:
                self._reasons.append(self._held.reason)
            self._take(self._hooks.after())

    def _take(self, done: HooksDone) -> None:
        self._reasons += done.downgrades
        if self._facts is not None and done.extension_state:
            self._facts = msgspec.structs.replace(
                self._facts, extension=done.extension, extension_state=done.extension_state
            )


def quiet(
    domain: Domain,
    clock: Clock,
    *,
    home: str,
    hooks: Hooks | None = None,
    limits: FreezeLimits | None = None,
) -> Quiet:
    """`home` is where this host keeps what it knows of its machines; see freeze_mark."""
    agent = GuestAgent(domain)
    programs = GuestPrograms(agent, clock, about=domain.name)
    mark = FreezeMark(home, domain.uuid)
    file_systems = FileSystems(agent, programs, clock, about=domain.name, mark=mark)
    return Quiet(agent, file_systems, hooks=hooks, limits=limits)


def _incapable(info: Info) -> Downgrade | None:
    known = {command.name: command.enabled for command in info.supported_commands}
    needed = (*FREEZE_COMMANDS, *EXEC_COMMANDS)
    if missing := [name for name in needed if name not in known]:
        return downgrade("agent-too-old", f"{info.version}: {', '.join(missing)}")
    if blocked := [name for name in needed if not known[name]]:
        return downgrade("agent-blocks", ", ".join(blocked))
    return None
