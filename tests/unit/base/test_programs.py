"""Programs: what they say, that a missing one is named, and that a service is gone when ended."""

import tempfile

import pytest

from holdfast.base.programs import ToolMissing, consult_tool, last_words, run_tool, start_service
from holdfast.testing.waiting import wait_until

CLEAN = {"PATH": "/usr/bin:/bin"}


def test_missing_program_is_named() -> None:
    with pytest.raises(ToolMissing, match="no-such-program"):
        run_tool(["no-such-program"], environment=CLEAN)
    with tempfile.TemporaryFile() as log, pytest.raises(ToolMissing, match="no-such-program"):
        start_service(["no-such-program"], environment=CLEAN, log=log)


def test_output_and_complaints_of_a_tool_come_together() -> None:
    done = run_tool(["sh", "-c", "echo one; echo two >&2; exit 4"], environment=CLEAN)

    assert (done.status, done.said) == (4, b"one\ntwo\n")


def test_output_and_complaints_of_a_tool_come_apart_when_asked_for() -> None:
    done = consult_tool(["sh", "-c", "echo one; echo two >&2"], environment=CLEAN)

    assert (done.said, done.complained) == (b"one\n", b"two\n")


def test_service_that_does_not_listen_is_gone_when_it_was_ended() -> None:
    with tempfile.TemporaryFile() as log:
        deaf = "trap '' TERM; echo ready; while :; do sleep 0.1; done"
        service = start_service(["sh", "-c", deaf], environment=CLEAN, log=log)
        wait_until(lambda: log.seek(0, 2))

        service.end(patience=0.2)

        assert service.status() == -9


def test_last_words_fit_one_line() -> None:
    assert last_words(b"one\n\n two\n") == "one / two"
    assert len(last_words(b"x" * 5000)) <= 300
    assert last_words(b"") == "-"
