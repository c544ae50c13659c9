"""Holdfast as a machine's user runs it: commands, and the agent as a process."""

import os
import signal
import subprocess  # noqa: TID251  a test's machine runs the real command
import sys
from contextlib import suppress
from pathlib import Path

HOLDFAST = Path(sys.executable).with_name("holdfast")


class AgentProgram:
    """One machine's commands and its agent, with a home of its own."""

    def __init__(self, root: Path, home: Path) -> None:
        self.root = root
        self.environment = {
            "PATH": os.environ["PATH"],  # noqa: TID251  its machine has our programs
            "HOME": str(root),
            "LC_ALL": "C.UTF-8",
            "HOLDFAST_HOME": str(home),
        }
        self.process: subprocess.Popen[bytes] | None = None
        self._log = (root / "agent.log").open("ab")

    def run(self, *words: str) -> str:
        done = subprocess.run(  # noqa: S603  our own command
            [HOLDFAST, *words],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self) -> None:
        self.process = subprocess.Popen(  # noqa: S603  our own command
            [HOLDFAST, "agent", "run"],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._log,
        )

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        status = self.process.wait(timeout=90)
        self.process = None
        return status

    def close(self) -> None:
        """End the agent, kindly first, so that its jobs end with it."""
        if self.process is not None:
            with suppress(subprocess.TimeoutExpired):
                self.process.terminate()
                self.process.wait(timeout=90)
            self.process.kill()
            self.process.wait()
        self._log.close()

    def log(self) -> str:
        return (self.root / "agent.log").read_text(encoding="utf-8")
