"""The extension of one guest: looked at, installed and removed through the guest's agent."""

from typing import Final

from holdfast.base.clock import Clock
from holdfast.base.units import format_duration
from holdfast.hypervisor.agent_answers import Ended, Info
from holdfast.hypervisor.domains import Domain
from holdfast.hypervisor.errors import AgentSilent
from holdfast.hypervisor.guest_agent import GuestAgent
from holdfast.hypervisor.guest_files import GuestFiles
from holdfast.hypervisor.guest_programs import GuestPrograms
from holdfast.machines.extension import bundle
from holdfast.machines.extension.errors import (
    ExtensionAgentBlocked,
    ExtensionAgentNotReady,
    ExtensionAgentTooOld,
    ExtensionBroken,
    ExtensionBusy,
)
from holdfast.machines.extension.states import State, Status, read_status, seconds_of

_NEEDED: Final = (
    *("guest-exec", "guest-exec-status"),
    *("guest-file-open", "guest-file-read", "guest-file-write", "guest-file-flush"),
    *("guest-file-close", "guest-fsfreeze-freeze", "guest-fsfreeze-thaw", "guest-fsfreeze-status"),
)
# The first that starts programs.
_REQUIRED: Final = "2.5"
_BUSY: Final = 75
_SECONDS: Final = 120.0


class InGuest:
    """No call leaves half an installation: the files take their place at once, or not at all."""

    def __init__(self, domain: Domain, clock: Clock) -> None:
        self.about = domain.name
        self.clock = clock
        self.agent = GuestAgent(domain)
        self.programs = GuestPrograms(self.agent, clock, about=domain.name)
        self.files = GuestFiles(self.agent, about=domain.name)

    def check_agent(self) -> None:
        """That it is there, new enough, and allowed to do what the extension needs."""
        try:
            info = self.agent.ask("guest-info", Info)
        except AgentSilent as err:
            raise ExtensionAgentNotReady(about=self.about) from err
        known = {command.name: command.enabled for command in info.supported_commands}
        if missing := [name for name in _NEEDED if name not in known]:
            raise ExtensionAgentTooOld(
                about=self.about,
                version=info.version,
                missing=", ".join(missing),
                required=_REQUIRED,
            )
        # A frozen guest's agent forbids nearly everything itself.
        blocked = [name for name in _NEEDED if not known[name]]
        if blocked and not self.agent.is_frozen():
            raise ExtensionAgentBlocked(about=self.about, missing=", ".join(blocked))

    def status(self) -> Status:
        self.check_agent()
        return read_status(self._sent("probe", *bundle.NAMES).out, digest=bundle.digest())

    def install(self) -> bool:
        """Install or update it; False when it is there as it should be."""
        status = self.status()
        if status.state is State.READY:
            return False
        self._sent("prepare")
        for name in bundle.NAMES:
            self.files.write(f"{bundle.FOLDER}.new/{name}", bundle.content(name))
        self._sent("install", bundle.digest(), *bundle.NAMES)
        found = self.status()
        if found.state is not State.READY:
            raise ExtensionBroken(about=self.about, reason=f"{found.state} {found.reason}")
        return True

    def remove(self, *, force: bool = False) -> bool:
        """Whether there was anything; `force` ends what it does at this moment, and lets go."""
        was_there = self.status().state is not State.ABSENT
        self._sent("remove", *(["force"] if force else []))
        return was_there

    def hooks(self) -> tuple[str, ...]:
        """Those that have something to do; only where it is whole."""
        argv = ["/bin/sh", f"{bundle.FOLDER}/extension", "list"]
        ended = self.programs.run(argv, within=_SECONDS)
        return tuple(ended.out.decode(errors="replace").split("\n")[:-1])

    def _sent(self, script: str, *arguments: str) -> Ended:
        argv = ["/bin/sh", "-c", bundle.sent(script), "holdfast", *arguments]
        ended = self.programs.run(argv, within=_SECONDS)
        if ended.status == _BUSY:
            raise busy(ended.out.decode(errors="replace"), about=self.about)
        if ended.status != 0:
            said = ended.err.decode(errors="replace").strip() or f"{script}: {ended.status}"
            raise ExtensionBroken(about=self.about, reason=said)
        return ended


def busy(line: str, *, about: str) -> ExtensionBusy:
    """`busy PID WHAT SECONDS`, as the guest says it."""
    pid, what, seconds = (*line.split()[1:], "?", "?", "?")[:3]
    age = format_duration(seconds_of(seconds).total_seconds())
    return ExtensionBusy(about=about, pid=pid, what=what, age=age)
