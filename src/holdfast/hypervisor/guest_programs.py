"""Programs in a guest, started by its agent; none is left behind when it takes too long."""

import base64
import contextlib
from collections.abc import Sequence

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.agent_answers import Ended, Launched, Program
from holdfast.hypervisor.errors import GuestProgramUnfinished
from holdfast.hypervisor.guest_agent import GuestAgent

_FIRST_POLL_SECONDS = 0.005
_SLOWEST_POLL_SECONDS = 1.0
_KILL_SECONDS = 5.0
# Longer commands stall the agent's channel; give the program a file then.
LONGEST_INPUT = 64 << 10


class GuestPrograms:
    def __init__(self, agent: GuestAgent, clock: Clock, *, about: str) -> None:
        self._agent = agent
        self._clock = clock
        self._about = about

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", within: float = 60.0) -> Ended:
        """Run it to its end and return what it wrote; one that takes longer is killed."""
        deadline = self._clock.monotonic() + within
        pid = self._started(argv, stdin=stdin, capture=True)
        pause = _FIRST_POLL_SECONDS
        while True:
            program = self._agent.ask("guest-exec-status", Program, {"pid": pid})
            if program.exited:
                return program.told()
            if self._clock.monotonic() >= deadline:
                self._kill(pid)
                raise GuestProgramUnfinished(about=self._about, program=argv[0], seconds=within)
            self._clock.sleep(pause)
            pause = min(pause * 2, _SLOWEST_POLL_SECONDS)

    def launch(self, argv: Sequence[str], *, stdin: bytes = b"") -> int:
        """Start it and leave it alone; its process id, and nothing of what it writes."""
        return self._started(argv, stdin=stdin, capture=False)

    def _started(self, argv: Sequence[str], *, stdin: bytes, capture: bool) -> int:
        arguments: dict[str, object] = {"path": argv[0], "arg": list(argv[1:])}
        if len(stdin) > LONGEST_INPUT:
            raise ValueError(f"{len(stdin)} bytes of input are too many for one command")
        if stdin:
            arguments["input-data"] = base64.b64encode(stdin).decode()
        arguments["capture-output"] = capture
        return self._agent.ask("guest-exec", Launched, arguments).pid

    def _kill(self, pid: int) -> None:
        # It may have ended in this moment, or the agent fallen silent: the time-out is what is told.
        with contextlib.suppress(HoldfastError):
            kill = ["kill", "-9", str(pid)]
            ended = Program(exited=False)
            killer = self._started(kill, stdin=b"", capture=False)
            deadline = self._clock.monotonic() + _KILL_SECONDS
            while not ended.exited and self._clock.monotonic() < deadline:
                self._clock.sleep(_FIRST_POLL_SECONDS)
                ended = self._agent.ask("guest-exec-status", Program, {"pid": killer})
