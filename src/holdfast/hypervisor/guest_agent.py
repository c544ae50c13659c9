"""The agent inside a guest: every call has a time-out of its own, and none waits for ever.

The agent answers one command after the other, and one that was given up on the host may still
be carried out in the guest: whoever gives up a freeze must thaw. libvirt gives an agent 5 s to
show that it is alive before it passes a command on, and these come on top of the time-out.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec

from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.agent_answers import (
    AgentInfo,
    Filesystem,
    GuestFilesystem,
    GuestSystem,
    Info,
    Nothing,
    System,
)
from holdfast.hypervisor.binding import failure_of, load, load_agent
from holdfast.hypervisor.domains import Domain
from holdfast.hypervisor.errors import (
    AgentAnswerBroken,
    AgentAnswerTooLong,
    AgentRefused,
    GuestFileUnavailable,
    GuestFrozen,
    GuestProgramMissing,
)
from holdfast.hypervisor.failures import Failure, error_of

SHORT_SECONDS: Final = 10.0
_FREEZE_SECONDS: Final = 60.0
_REFUSED = re.compile(r"unable to execute QEMU agent command '[^']*': *(.*)", re.DOTALL)
_TOO_LONG: Final = "encode message payload"
_REFUSALS: Final[tuple[tuple[str, type[HoldfastError]], ...]] = (
    ("frozen state", GuestFrozen),
    ("failed to open file", GuestFileUnavailable),
    ("Failed to execute child process", GuestProgramMissing),
)

_Answer = TypeVar("_Answer")


class _Reply(msgspec.Struct):
    value: msgspec.Raw = msgspec.field(name="return")


class GuestAgent:
    def __init__(self, domain: Domain) -> None:
        self._domain = domain

    def __repr__(self) -> str:
        return f"GuestAgent({self._domain.name!r})"

    def ask(
        self,
        command: str,
        answer: type[_Answer],
        arguments: Mapping[str, object] | None = None,
        *,
        within: float = SHORT_SECONDS,
    ) -> _Answer:
        """Any command of the agent's, its answer read as this type."""
        question = {"execute": command, "arguments": dict(arguments or {})}
        said = self._sent(json.dumps(question), command, within)
        try:
            reply = msgspec.json.decode(said, type=_Reply)
            return msgspec.json.decode(reply.value, type=answer)
        except (msgspec.DecodeError, UnicodeError) as err:
            raise AgentAnswerBroken(
                about=self._domain.name, command=command, reason=str(err)
            ) from err

    def ping(self, *, within: float = SHORT_SECONDS) -> None:
        self.ask("guest-ping", Nothing, within=within)

    def info(self, *, within: float = SHORT_SECONDS) -> AgentInfo:
        return self.ask("guest-info", Info, within=within).told()

    def freeze(self, mountpoints: tuple[str, ...] = (), *, within: float = _FREEZE_SECONDS) -> int:
        """Write out and hold the file systems, all or these; returns how many it held.

        A point is consistent only if the thaw after it counts the same.
        """
        if not mountpoints:
            return self.ask("guest-fsfreeze-freeze", int, within=within)
        listed = list(mountpoints)
        return self.ask("guest-fsfreeze-freeze-list", int, {"mountpoints": listed}, within=within)

    def thaw(self, *, within: float = SHORT_SECONDS) -> int:
        """Let go; returns how many it let go. None is no error: they may not have been held."""
        return self.ask("guest-fsfreeze-thaw", int, within=within)

    def is_frozen(self, *, within: float = SHORT_SECONDS) -> bool:
        """What the agent believes: after a thaw from inside it still says frozen."""
        return self.ask("guest-fsfreeze-status", str, within=within) == "frozen"

    def system(self, *, within: float = SHORT_SECONDS) -> GuestSystem:
        return self.ask("guest-get-osinfo", System, within=within).told()

    def filesystems(self, *, within: float = SHORT_SECONDS) -> tuple[GuestFilesystem, ...]:
        found = self.ask("guest-get-fsinfo", list[Filesystem], within=within)
        return tuple(filesystem.told() for filesystem in found)

    def _sent(self, question: str, command: str, within: float) -> str:
        # libvirt counts whole seconds, and takes none as "do not wait at all".
        seconds = max(1, math.ceil(within))
        libvirt = load()
        with self._domain.handle() as handle:
            try:
                return str(load_agent().qemuAgentCommand(handle, question, seconds, 0))
            except libvirt.libvirtError as err:
                raise self._error(failure_of(err), command) from err

    def _error(self, failure: Failure, command: str) -> HoldfastError:
        if _TOO_LONG in failure.message:
            # The daemon said so and goes on; only its answer did not fit on the wire.
            return AgentAnswerTooLong(about=self._domain.name, command=command)
        refused = _REFUSED.search(failure.message)
        if refused is None:
            return error_of(failure, about=self._domain.name)
        reason = refused.group(1).strip()
        kinds = (kind for words, kind in _REFUSALS if words in reason)
        kind = next(kinds, AgentRefused)
        return kind(about=self._domain.name, command=command, reason=reason)
