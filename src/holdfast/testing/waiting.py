"""Waiting for something another thread or process does."""

from collections.abc import Callable

from holdfast.base.clock import SystemClock


def wait_until(reached: Callable[[], object], *, within: float = 90) -> None:
    """Returns as soon as `reached` does not answer false any more; fails after `within` seconds."""
    clock = SystemClock()
    deadline = clock.monotonic() + within
    while not reached():
        assert clock.monotonic() < deadline, f"it did not come in {within:g} s"
        clock.sleep(0.05)
