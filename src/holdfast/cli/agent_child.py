"""A job of the agent as a process of its own: a command that waits at a gate and says how it ended.

The agent notes the number of this process before it opens the gate, so that there is never a job
at work that nobody knows of; and it reads the end from the output, so that an agent that was
started anew meanwhile learns it as well.
"""

import json
import os
import sys
from typing import NoReturn

from holdfast.app.processes import GATE
from holdfast.cli.lean import leave
from holdfast.cli.main import main


def run() -> NoReturn:
    if os.read(sys.stdin.fileno(), 1) != GATE:
        leave(0)
    # A question would wait for ever: hooks and prompts find an empty input.
    os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())
    status = main(sys.argv[1:])
    sys.stdout.write(json.dumps({"event": "exit", "status": status}) + "\n")
    leave(status)


if __name__ == "__main__":
    run()
