"""The latch holds until it is set, for all, and a signal handler may set it."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from holdfast.base.latch import Latch

# A signal comes before every line of the latch, so while it is being waited for and set as well.
STORM = """
import signal, sys
from holdfast.base.latch import Latch
latch = Latch()
signal.signal(signal.SIGTERM, lambda *_: latch.set())
def before_each_line(frame, event, _value):
    if frame.f_code.co_filename.endswith(("latch.py", "threading.py")):
        signal.raise_signal(signal.SIGTERM)
    return before_each_line
sys.settrace(before_each_line)
latch.wait()
latch.set()
sys.settrace(None)
print("ended", flush=True)
"""


def test_all_who_wait_go_on_when_it_is_set() -> None:
    latch = Latch()

    with ThreadPoolExecutor(3) as threads:
        waiting = [threads.submit(latch.wait) for _ in range(3)]
        latch.set()

    assert [each.result() for each in waiting] == [None] * 3
    assert latch.is_set()


def test_is_open_at_first() -> None:
    assert not Latch().is_set()


def test_signals_at_any_moment_set_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", STORM], capture_output=True, text=True, check=False, timeout=90
    )

    assert done.stdout == "ended\n"
    assert done.returncode == 0
