"""A note on this machine that a guest is frozen by us: whoever comes after us thaws it."""

import contextlib
from pathlib import Path

import msgspec

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.domains import Domain
from holdfast.hypervisor.guest_agent import GuestAgent
from holdfast.hypervisor.guest_programs import GuestPrograms
from holdfast.machines.dead_man import DeadMan, disarm

_THAW_SECONDS = 30.0


class _Noted(msgspec.Struct, frozen=True, kw_only=True):
    dead_man: int
    word: str


class FreezeMark:
    """Of one virtual machine; `home` is where this host keeps what it knows of its machines."""

    def __init__(self, home: str, uuid: str) -> None:
        self._path = Path(home, "vms", f"{uuid}.frozen")

    def set(self, dead_man: DeadMan) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        noted = _Noted(dead_man=dead_man.pid, word=dead_man.word)
        self._path.write_bytes(msgspec.json.encode(noted))

    def clear(self) -> None:
        self._path.unlink(missing_ok=True)

    def is_set(self) -> bool:
        return self._path.exists()

    def dead_man(self) -> DeadMan | None:
        """None: there is none, or the note was torn by what ended its writer."""
        with contextlib.suppress(FileNotFoundError, msgspec.DecodeError):
            noted = msgspec.json.decode(self._path.read_bytes(), type=_Noted)
            return DeadMan(pid=noted.dead_man, word=noted.word)
        return None


def thaw_left_behind(domain: Domain, clock: Clock, *, home: str) -> int | None:
    """Thaw a guest that a run of ours left frozen; how many file systems, None: nothing was left.

    Call it with the machine's lock held. An agent that does not answer is no error: the dead man
    in the guest is at work, and the note stays for the next start.
    """
    mark = FreezeMark(home, domain.uuid)
    if not mark.is_set():
        return None
    agent = GuestAgent(domain)
    try:
        thawed = agent.thaw(within=_THAW_SECONDS)
    except HoldfastError:
        return 0
    if dead_man := mark.dead_man():
        disarm(GuestPrograms(agent, clock, about=domain.name), dead_man)
    mark.clear()
    return thawed
