"""Policies as JSON: what is read, what is refused, what follows from them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from holdfast.base.errors import HoldfastError
from holdfast.fleet.floors import shortfalls
from holdfast.fleet.policies import known_policy, policy_body, propose
from holdfast.fleet.policy_errors import PolicyNeverRuns, PolicyNotUnderstood
from holdfast.fleet.policy_reading import read_policy
from holdfast.fleet.schedule import next_due

SUNDAY = datetime(2026, 5, 3, tzinfo=UTC)
FULL: dict[str, Any] = {
    "name": "office",
    "schedule": "every 4h from 08:00 to 20:00",
    "zone": "Asia/Seoul",
    "spread": "10m",
    "jitter": "10m",
    "catch_up": True,
    "catch_up_within": "3d",
    "blackouts": ["weekdays 12:00-13:00"],
    "in_blackout": "skip",
    "retention": ["last 3", "weekly 4 on sat", "yearly 10 on last sat of mar", "within 14d"],
    "verification": {"schedule": "sun 05:00", "read_data": "1/7"},
    "prune": {"schedule": "sun 04:00", "windows": ["sun 03:00-06:00"], "max_unused": "10%"},
    "bandwidth": {"default": None, "windows": [{"when": "weekdays 08:00-18:00", "rate": "1M"}]},
    "retry": {"first": ["1m", "2m"], "then": "30m", "most": 5},
    "limits": {"longest": "12h"},
}


def test_policy_is_written_as_it_was_read() -> None:
    assert policy_body(read_policy(FULL)) == FULL


def test_policy_survives_json() -> None:
    text = msgspec.json.encode(policy_body(read_policy(FULL)))

    assert policy_body(read_policy(msgspec.json.decode(text))) == FULL


def test_texts_get_their_one_spelling() -> None:
    found = read_policy(
        {"name": "a", "schedule": "Daily 2:00", "jitter": "60m", "retention": ["DAILY 7"]}
    )

    assert (found.schedule, found.jitter, found.retention) == ("daily 02:00", "1h", ["daily 7"])


def test_what_is_said_twice_is_kept_once() -> None:
    found = read_policy({**FULL, "retention": ["daily 7", "Daily 7", "last 1"]})

    assert found.retention == ["daily 7", "last 1"]


def test_proposal_is_a_good_policy_above_the_floor() -> None:
    proposed = propose(zone="Europe/Berlin")

    assert read_policy(policy_body(proposed)) == proposed
    assert shortfalls(proposed.rules) == []


@pytest.mark.parametrize(
    ("change", "place", "reason"),
    [
        ({"retension": []}, "retension", "retention"),
        ({"prune": {"shedule": "sun 04:00"}}, "prune.shedule", "schedule"),
        (
            {"bandwidth": {"windows": [{"when": "sun 01:00-02:00", "rat": "1M"}]}},
            "bandwidth.windows[].rat",
            "rate",
        ),
        ({"schedule": 5}, "$.schedule", "Expected `str`"),
        ({"in_blackout": "wait"}, "$.in_blackout", "Invalid"),
        ({"jitter": "soon"}, "jitter", "'soon' is no duration"),
        ({"jitter": "99999999999999d"}, "jitter", "no duration"),
        ({"retry": {"then": "x"}}, "retry.then", "no duration"),
        ({"retry": {"most": -1}}, "retry.most", "between 0"),
        ({"bandwidth": {"default": "fast"}}, "bandwidth.default", "no rate"),
        ({"prune": {"max_unused": "much"}}, "prune.max_unused", "no share"),
        ({"name": "a\nb"}, "name", "a line of"),
        ({"zone": "x" * 300}, "zone", "a line of"),
        ({"retention": ["daily 7"] * 31}, "retention", "at most 30"),
    ],
)
def test_refusal_names_the_place(change: dict[str, Any], place: str, reason: str) -> None:
    with pytest.raises(PolicyNotUnderstood) as caught:
        read_policy({**FULL, **change})

    assert caught.value.fields["place"] == place
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"schedule": "sometimes"}, "schedule-not-understood"),
        ({"zone": "Mars/Base"}, "zone-unknown"),
        ({"blackouts": ["at lunch"]}, "window-not-understood"),
        ({"retention": ["daily x"]}, "retention-rule"),
        ({"retention": ["forever"]}, "retention-rule"),
        ({"retention": ["daily 100000"]}, "retention-rule"),
        ({"retention": ["within 9999y"]}, "retention-rule"),
        ({"retention": ["within-last 3d"]}, "retention-rule"),
        ({"verification": {"read_data": "half"}}, "subset-not-understood"),
        ({"blackouts": ["daily 00:00-24:00"]}, "policy-never-runs"),
    ],
)
def test_refusal_has_the_code_of_what_is_wrong(change: dict[str, Any], code: str) -> None:
    with pytest.raises(HoldfastError) as caught:
        read_policy({**FULL, **change})

    assert caught.value.code == code


def test_schedule_inside_a_skipped_blackout_is_refused() -> None:
    with pytest.raises(PolicyNeverRuns):
        read_policy({**FULL, "schedule": "mon 12:30"})


def test_agent_ignores_what_a_newer_server_added() -> None:
    assert known_policy({**FULL, "novelty": 1}).name == "office"


def test_rules_become_arguments_of_retain() -> None:
    assert read_policy({**FULL, "retention": [*FULL["retention"], "tag a,b"]}).retain_arguments == {
        "keep_last": ["3"],
        "keep_weekly": ["4 on sat"],
        "keep_yearly": ["10 on last sat of mar"],
        "keep_within": ["14d"],
        "keep_tag": ["a,b"],
    }


def test_prune_begins_only_inside_its_windows() -> None:
    policy = read_policy({**FULL, "zone": "UTC"})

    assert policy.may_prune(SUNDAY + timedelta(hours=4))
    assert not policy.may_prune(SUNDAY + timedelta(hours=7))
    assert propose().may_prune(SUNDAY)


def test_verification_and_prune_have_times_of_their_own() -> None:
    policy = propose()

    assert policy.prune_timing
    assert policy.verification_timing
    found = next_due(policy.prune_timing, SUNDAY, seed="one")
    assert found is not None
    assert found.nominal == SUNDAY + timedelta(hours=4)


def test_rates_are_bytes() -> None:
    policy = read_policy(FULL)

    assert [rate.rate for rate in policy.rates] == [1024 * 1024]
    assert policy.default_rate is None
