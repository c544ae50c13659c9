"""The process that serves a booted machine's disks: begun by `vm boot`, it outlives it.

It is told who begins it and the UUID of the machine, whose record it waits for.
"""

import sys
from typing import NoReturn

from holdfast.base.clock import SystemClock
from holdfast.base.errors import HoldfastError
from holdfast.base.texts import use_language
from holdfast.cli.lean import leave


def run() -> NoReturn:
    from holdfast.app.config import load_settings
    from holdfast.app.vm_serve import serve_awaited
    from holdfast.app.wiring import Session

    parent, uuid = sys.argv[1:]
    try:
        settings = load_settings()
        use_language(settings.lang)
        session = Session(settings=settings, warn=_say, clock=SystemClock())
        serve_awaited(session, uuid, parent=int(parent))
    except HoldfastError as err:
        _say(f"{err}. {err.advice} ({err.code})")
        leave(err.exit_status)
    leave(0)


def _say(line: str) -> None:
    now = SystemClock().now().isoformat(timespec="seconds")
    sys.stderr.write(f"{now} {line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    run()
