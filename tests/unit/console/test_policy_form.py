"""A policy in a form, and back."""

from dataclasses import replace
from typing import Any

import pytest

from holdfast.console.policy_form import body_of, form_of
from holdfast.fleet.policies import policy_body, propose
from holdfast.fleet.policy_reading import read_policy

FULL: dict[str, Any] = {
    "name": "nightly",
    "schedule": "mon,fri 22:00",
    "zone": "Asia/Seoul",
    "jitter": "30m",
    "spread": "10m",
    "catch_up": False,
    "catch_up_within": "6h",
    "blackouts": ["mon-fri 08:00-18:00"],
    "in_blackout": "skip",
    "retention": ["daily 7", "weekly 4 on sat"],
    "verification": {"schedule": "sun 05:00", "read_data": None},
    "prune": {"schedule": "sun 04:00", "windows": ["sun 00:00-12:00"], "max_unused": "10%"},
    "bandwidth": {
        "default": "10M",
        "windows": [
            {"when": "mon-fri 08:00-18:00", "rate": "2M"},
            {"when": "sun 00:00-24:00", "rate": None},
        ],
    },
    "retry": {"first": ["1m"], "then": "1h", "most": 3},
    "limits": {"longest": "8h"},
}


@pytest.mark.parametrize("body", [FULL, policy_body(propose())], ids=["full", "proposal"])
def test_a_policy_comes_out_of_the_form_as_it_went_in(body: dict[str, Any]) -> None:
    known = policy_body(read_policy(body))

    again = body_of(form_of(known), known)

    assert policy_body(read_policy(again)) == known


def test_what_is_ticked_off_is_gone() -> None:
    form = replace(form_of(FULL), verify=False, prune=False, rate="", rates="", longest="")

    body = body_of(form, FULL)

    assert (body["verification"], body["prune"], body["bandwidth"]) == (None, None, None)
    assert body["limits"] == {"longest": None}


def test_lines_that_say_nothing_are_left_out() -> None:
    form = replace(form_of(FULL), retention="\n daily 3 \n\n", rates=" mon 08:00-09:00=1M\n")

    body = body_of(form, FULL)

    assert body["retention"] == ["daily 3"]
    assert body["bandwidth"]["windows"] == [{"when": "mon 08:00-09:00", "rate": "1M"}]
