"""Trials as they are in a record."""

from datetime import UTC, datetime, timedelta
from typing import Any

from holdfast.recovery.trial import Trial, TrialState, TrialWish

VM = "0e5b0f2c-6f5e-4b7e-9d0a-3f1d5c3f9a10"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def trial(number: int = 1, **changes: Any) -> Trial:
    """One that passed and is gone, a day after the one before it."""
    begun = NOON + timedelta(days=number)
    told: dict[str, Any] = {
        "id": f"trial-{number:03}",
        "vm": VM,
        "name": "web",
        "trial_name": "web-test-1",
        "who": "ana",
        "begun_at": begun,
        "wish": TrialWish(),
        "state": TrialState.SUCCESS,
        "generation": f"{number:032x}",
        "newest_at": begun - timedelta(seconds=30),
        "seconds_to_up": 20.0,
        "ended_at": begun + timedelta(seconds=21),
        "cleaned_at": begun + timedelta(seconds=22),
    }
    return Trial(**(told | changes))
