"""By which commands a plan starts its machines, and what it reads out of what they say."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from holdfast.app.plan_words import ended_command, ended_script, shut_down_words, start_words
from holdfast.recovery.address_rules import AddressRule
from holdfast.recovery.plans.plan import Kind, Machine
from holdfast.recovery.plans.progress import Progress, StepState

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MACHINE = Machine(
    vm="db",
    point="latest-app",
    test_point="latest-tested",
    networks={"lan": "dr"},
    test_networks={"lan": "drill"},
    addresses={"lan": AddressRule(to="198.51.100.7/24", dns=("198.51.100.53",))},
    test_addresses={"192.0.2.0/24": AddressRule(to="203.0.113.0/24")},
    checks=("agent", "tcp:22"),
    timeout=100,
    shutdown=9,
    is_forced=True,
)


def progress(kind: Kind, **more: object) -> Progress:
    return Progress(run="r", plan="p", kind=kind, who="anna", begun_at=NOON, **more)  # type: ignore[arg-type]


def lines(*events: Mapping[str, object]) -> bytes:
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


def test_a_test_stays_for_the_actions_behind_it_and_is_isolated() -> None:
    words = " ".join(start_words(MACHINE, "u-1", progress(Kind.TEST, keep=60)))

    assert words == (
        "failover u-1 --test --keep 86460s --within 90s --check agent --check tcp:22 "
        "--point latest-tested --network lan=drill "
        "--address 192.0.2.0/24=203.0.113.0/24 --json"
    )


@pytest.mark.parametrize(
    ("kind", "more", "wanted"),
    [
        (
            Kind.PLANNED,
            {},
            (
                "failover u-1 --planned --force --shutdown-within 9s --network lan=dr "
                "--address lan=198.51.100.7/24,dns=198.51.100.53 --json"
            ),
        ),
        (
            Kind.UNPLANNED,
            {"source_is_down": True},
            (
                "failover u-1 --unplanned --point latest-app --source-is-down --network lan=dr "
                "--address lan=198.51.100.7/24,dns=198.51.100.53 --json"
            ),
        ),
        (
            Kind.UNPLANNED,
            {"tries_shut_down": True},
            (
                "failover u-1 --unplanned --point latest-app --try-shut-down --force "
                "--shutdown-within 9s --network lan=dr "
                "--address lan=198.51.100.7/24,dns=198.51.100.53 --json"
            ),
        ),
        (
            Kind.PLANNED,
            {"is_back": True},
            "failback u-1 --force --shutdown-within 9s --json",
        ),
    ],
)
def test_a_real_run_types_what_a_person_would(
    kind: Kind, more: dict[str, object], wanted: str
) -> None:
    assert " ".join(start_words(MACHINE, "u-1", progress(kind, **more))) == wanted


def test_what_is_shut_down_first_is_the_beginning_of_the_same_act() -> None:
    there, back = (
        shut_down_words(MACHINE, "u-1", progress(Kind.PLANNED, is_back=is_back))
        for is_back in (False, True)
    )

    assert (there[:3], there[-2:]) == (
        ["failover", "u-1", "--planned"],
        ["--hand-over-only", "--json"],
    )
    assert (back[:2], back[-2:]) == (["failback", "u-1"], ["--hand-over-only", "--json"])


def test_of_a_failover_that_is_done_the_point_is_known() -> None:
    done = {
        "event": "recovery-done",
        "vm": "db",
        "uuid": "u-1",
        "generation": "g-1",
        "taken_at": "t",
        "figures": {"loss_seconds": 3.0},
    }

    ended = ended_command(3, b"no JSON\n" + lines({"event": "recovery-step"}, done))

    assert ended.state is StepState.DONE
    assert (ended.found["name"], ended.found["point"], ended.found["uuid"]) == ("db", "g-1", "u-1")
    assert "g-1" in ended.said


def test_of_one_that_is_refused_the_reason_and_its_remedy_are_known() -> None:
    error = {"event": "error", "code": "no-room", "message": "no room", "remedy": "make some"}

    ended = ended_command(1, lines(error))

    assert (ended.state, ended.error, ended.said) == (StepState.FAILED, "no-room", "no room")
    assert ended.found["remedy"] == "make some"


def test_one_that_died_without_a_word_has_failed() -> None:
    ended = ended_command(137, b"")

    assert (ended.state, ended.error) == (StepState.FAILED, "plan-action-failed")
    assert "137" in ended.said


def test_of_a_script_the_end_of_what_it_says_is_kept() -> None:
    assert ended_script(0, b"").said == ""
    assert ended_script(0, b"one\ntwo\n").said == "one / two"
    assert ended_script(2, b"broken\n").state is StepState.FAILED
