"""Fault tests count what they inject; the sum is told at the end of a run, see tests/conftest.py."""

from collections.abc import Callable, Iterator

import pytest


class Faults:
    """How many faults a test has injected, and how many of them were survived so far."""

    def __init__(self) -> None:
        self.injected = 0
        self.survived = 0

    def inject(self) -> None:
        self.injected += 1

    def survive(self) -> None:
        """Everything that has to be true after a fault was."""
        self.survived += 1
        assert self.survived <= self.injected


@pytest.fixture
def faults(_counted: Faults) -> Faults:
    return _counted


@pytest.fixture(autouse=True)
def _counted(record_property: Callable[[str, object], None]) -> Iterator[Faults]:
    """A test that does not count is about one fault."""
    counted = Faults()
    yield counted
    record_property("faults", [counted.injected, counted.survived])
