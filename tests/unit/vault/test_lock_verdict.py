from datetime import timedelta

import pytest

from holdfast.vault.policy.lock_verdict import Process, Verdict, judge_lock

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("process", "age", "unchanged", "verdict"),
    [
        (Process.GONE, 0, 0, Verdict.DEAD),
        (Process.ALIVE, 29, 29, Verdict.HONOUR),
        (Process.ALIVE, 600, 0, Verdict.WATCH),
        (Process.ALIVE, 600, 8, Verdict.DEAD),
        (Process.UNKNOWN, 0, 0, Verdict.HONOUR),
        (Process.UNKNOWN, 29, 8, Verdict.HONOUR),
        (Process.UNKNOWN, 31, 0, Verdict.WATCH),
        (Process.UNKNOWN, 31, 6, Verdict.WATCH),
        (Process.UNKNOWN, 31, 8, Verdict.DEAD),
        (Process.REPLACED, 1, 0, Verdict.WATCH),
        (Process.REPLACED, 1, 8, Verdict.DEAD),
        # A lock from the future: its host's clock is ahead, or ours is behind.
        (Process.UNKNOWN, -6000, 29, Verdict.HONOUR),
        (Process.UNKNOWN, -6000, 30, Verdict.DEAD),
    ],
)
def test_every_doubt_is_for_the_living(
    process: Process, age: int, unchanged: int, verdict: Verdict
) -> None:
    assert judge_lock(process, age=age * MINUTE, unchanged=unchanged * MINUTE) is verdict
