"""What may never answer is not waited for longer than said."""

import threading

import pytest

from holdfast.app.deadlines import Late, within


def test_an_answer_in_time_is_the_answer() -> None:
    assert within(90, lambda: "here") == "here"


def test_a_failure_is_raised_where_it_was_asked() -> None:
    def fail() -> None:
        raise FileNotFoundError(2, "gone")

    with pytest.raises(FileNotFoundError, match="gone"):
        within(90, fail)


def test_what_does_not_answer_is_late_as_a_call_of_the_system_would_be() -> None:
    never = threading.Event()

    with pytest.raises(Late, match=r"0\.01") as late:
        within(0.01, never.wait)

    never.set()
    assert isinstance(late.value, OSError)
