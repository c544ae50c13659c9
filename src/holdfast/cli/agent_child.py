"""A job of the agent as a process of its own: a command that waits at a gate and says how it ended.

The agent notes the number of this process before it opens the gate, so that there is never a job
at work that nobody knows of; and it reads the end from the output, so that an agent that was
started anew meanwhile learns it as well.
"""

import json
import os
import sys
from typing import NoReturn

from holdfast.app.processes import GATE, KEYED_GATE
from holdfast.cli.lean import leave
from holdfast.cli.main import main

_CHUNK = 1 << 12


def run() -> NoReturn:
    mark = os.read(sys.stdin.fileno(), 1)
    if mark not in (GATE, KEYED_GATE):
        leave(0)
    given = _passphrase_options() if mark == KEYED_GATE else []
    # A question would wait for ever: hooks and prompts find an empty input.
    os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())
    status = main([*given, *sys.argv[1:]])
    sys.stdout.write(json.dumps({"event": "exit", "status": status}) + "\n")
    leave(status)


def _passphrase_options() -> list[str]:
    """What a person typed for this job alone: in memory, as a file nobody else can name."""
    held = os.memfd_create("passphrase")
    os.fchmod(held, 0o600)
    while content := os.read(sys.stdin.fileno(), _CHUNK):
        os.write(held, content)
    return [f"--passphrase-file=/proc/self/fd/{held}", "--no-keyring"]


if __name__ == "__main__":
    run()
