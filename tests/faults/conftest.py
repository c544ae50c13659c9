"""Fault tests count what they inject; the sum is told at the end of a run, see tests/conftest.py."""

from collections.abc import Callable

import pytest


class Faults:
    """How many faults a test has injected, and how many of them were survived so far."""

    def __init__(self) -> None:
        self.counts = [0, 0]

    @property
    def injected(self) -> int:
        return self.counts[0]

    @property
    def survived(self) -> int:
        return self.counts[1]

    def inject(self) -> None:
        self.counts[0] += 1

    def survive(self) -> None:
        """Everything that has to be true after a fault was."""
        self.counts[1] += 1
        assert self.counts[1] <= self.counts[0]


@pytest.fixture(autouse=True)
def faults(record_property: Callable[[str, object], None]) -> Faults:
    counted = Faults()
    # The report is made after the test, and takes the numbers as they are then.
    record_property("faults", counted.counts)
    return counted
