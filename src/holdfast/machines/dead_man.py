"""A dead man's switch in the guest: it thaws by itself when nobody else does in time.

Nobody can do that from outside: a frozen guest's agent starts no programs, and one that died in
there cannot be asked at all. So a shell waits in the guest from before the freeze, and has the
kernel thaw everything through /proc/sysrq-trigger, which root may always write to.
"""

import contextlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from holdfast.base.errors import HoldfastError, Retry
from holdfast.base.texts import N_
from holdfast.hypervisor.agent_answers import Ended

_ARMING_SECONDS: Final = 20.0
_DISARMING_SECONDS: Final = 10.0
_CANNOT: Final = 3

# Its processes leave the agent's control group, or a service manager that starts the agent anew
# ends them with it. It waits for USR1 only: TERM and HUP are what a dying agent's group gets.
_ARM: Final = """
[ -w /proc/sysrq-trigger ] || { echo "/proc/sysrq-trigger cannot be written" >&2; exit 3; }
(
  trap '' HUP INT TERM
  sleep "$1" &
  sleeper=$!
  trap 'kill -9 $sleeper; exit 0' USR1
  read -r self rest </proc/self/stat
  for group in /sys/fs/cgroup /sys/fs/cgroup/systemd; do
    for process in $self $sleeper; do echo $process >$group/cgroup.procs; done
  done
  wait $sleeper
  echo j >/proc/sysrq-trigger
) </dev/null >/dev/null 2>&1 &
echo $!
"""
# Process ids are used again: its command line must carry the word it was started with.
_DISARM: Final = """
if grep -q "$2" /proc/$1/cmdline 2>/dev/null; then kill -USR1 $1 && echo held; else echo fired; fi
"""


class Programs(Protocol):
    """How programs are run in a guest: hypervisor.guest_programs.GuestPrograms."""

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", within: float = 60.0) -> Ended: ...


class DeadManUnavailable(HoldfastError):
    """Then the guest is not frozen: who dies while it is frozen would leave it so."""

    code = "no-dead-man"
    sentence = N_("{about} cannot be told to thaw by itself: {reason}")
    remedy = N_(
        "Run the guest agent as root in the guest, with /proc/sysrq-trigger there "
        "(a kernel with CONFIG_MAGIC_SYSRQ)."
    )
    retry = Retry.LATER


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadMan:
    """One that waits; `word` tells it from whatever has its process id later."""

    pid: int
    word: str


def arm(programs: Programs, *, seconds: float, about: str) -> DeadMan:
    """Comes back when it waits."""
    word = f"holdfast-dead-man-{secrets.token_hex(8)}"
    argv = ["/bin/sh", "-c", _ARM, word, f"{seconds:.0f}"]
    ended = programs.run(argv, within=_ARMING_SECONDS)
    said = ended.out.decode(errors="replace").strip()
    if ended.status != 0 or not said.isdecimal():
        reason = ended.err.decode(errors="replace").strip() or f"sh: {ended.status} {said}"
        raise DeadManUnavailable(about=about, reason=reason)
    return DeadMan(pid=int(said), word=word)


def disarm(programs: Programs, dead_man: DeadMan) -> bool | None:
    """True: it still waited. False: it has thawed the guest already. None: nobody answers."""
    argv = ["/bin/sh", "-c", _DISARM, "holdfast", str(dead_man.pid), dead_man.word]
    with contextlib.suppress(HoldfastError):
        ended = programs.run(argv, within=_DISARMING_SECONDS)
        return ended.out.strip() == b"held"
    return None
