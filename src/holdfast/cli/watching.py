"""A status that is shown again and again, until Ctrl-C."""

import sys
from collections.abc import Callable

from holdfast.base.errors import Exit
from holdfast.cli.run import Run

_EVERY = 2.0
_HOME_AND_CLEAR = "\x1b[H\x1b[2J"


def watched(run: Run, tell: Callable[[], object]) -> int:
    from holdfast.app.stop_signals import stopped_by_signals

    with stopped_by_signals() as stop:
        while not stop.is_set():
            if sys.stdout.isatty():
                run.out.remark(_HOME_AND_CLEAR)
            tell()
            run.session.clock.sleep(_EVERY)
    return Exit.FINE
