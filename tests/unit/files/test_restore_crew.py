"""The workers of a restore: whenever somebody interrupts it, nobody is left."""

import signal

import pytest

from holdfast.files.restore.crew import Crew, Do
from tests.unit.vault.test_forking import children, interrupt_at_the_second_fork


def nobody() -> Do:
    raise AssertionError("there is nothing to do")


def test_interrupted_while_one_is_forked_leaves_no_process_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = children()
    interrupt_at_the_second_fork(monkeypatch, signal.SIGINT)

    with pytest.raises(KeyboardInterrupt), Crew(3, nobody):
        pass

    assert children() <= before
