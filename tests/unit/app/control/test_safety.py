"""What makes a machine safe, and what speaks against it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from holdfast.app.control.safety import (
    BackupFacts,
    Safety,
    Verdict,
    WayFacts,
    Why,
    judge_machine,
    judge_vm,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
TWO_DAYS = timedelta(days=2)
GOOD = WayFacts(state="replicating", health="normal")


def backed_up(**more: Any) -> BackupFacts:
    facts = {"newest_point": NOW - HOUR, "assigned_since": NOW - TWO_DAYS, "within": TWO_DAYS}
    return BackupFacts(**{**facts, **more})


def machine(backups: BackupFacts, *, is_silent: bool = False, is_host: bool = False) -> Verdict:
    heard = NOW - HOUR if is_silent else NOW
    return judge_machine(backups, heard_at=heard, is_host=is_host, now=NOW)


def vm(
    *ways: WayFacts,
    backups: BackupFacts | None = None,
    is_split: bool = False,
    is_tracked: bool = False,
) -> Verdict:
    return judge_vm(
        backups or BackupFacts(within=TWO_DAYS),
        ways,
        heard_at=NOW,
        is_split=is_split,
        is_tracked=is_tracked,
        now=NOW,
    )


def test_a_machine_with_a_policy_and_a_fresh_point_is_protected() -> None:
    found = machine(backed_up())

    assert found == Verdict(safety=Safety.PROTECTED)


def test_points_that_somebody_else_makes_protect_as_well() -> None:
    found = machine(backed_up(assigned_since=None))

    assert found == Verdict(safety=Safety.PROTECTED)


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"newest_point": None}, Why.NO_POINT),
        ({"newest_point": NOW - 2 * TWO_DAYS}, Why.OVERDUE),
        ({"is_damaged": True}, Why.DAMAGED),
        ({"has_failed": True}, Why.BACKUP_FAILED),
        ({"assigned_since": None, "is_paused": True}, Why.PAUSED),
    ],
)
def test_trouble_with_its_backups_puts_a_machine_at_risk(facts: dict[str, Any], why: Why) -> None:
    found = machine(backed_up(**facts))

    assert found == Verdict(safety=Safety.AT_RISK, reasons=(why,))


def test_point_of_a_clock_that_is_far_ahead_is_no_proof_of_freshness() -> None:
    ahead = machine(backed_up(newest_point=NOW + timedelta(days=30)))

    assert ahead.reasons == (Why.OVERDUE,)


def test_where_nobody_asks_how_old_a_point_is_none_is_too_old() -> None:
    found = machine(backed_up(within=None, newest_point=NOW - 100 * TWO_DAYS))

    assert found.safety is Safety.PROTECTED


def test_old_points_that_nobody_follows_up_do_not_protect() -> None:
    found = machine(backed_up(assigned_since=None, newest_point=NOW - 2 * TWO_DAYS))

    assert found == Verdict(safety=Safety.UNPROTECTED, reasons=(Why.NOT_PROTECTED,))


def test_a_silent_machine_is_at_risk_however_fresh_its_point_is() -> None:
    found = machine(backed_up(), is_silent=True)

    assert found == Verdict(safety=Safety.AT_RISK, reasons=(Why.SILENT,))


def test_a_machine_that_only_keeps_replicas_is_no_gap() -> None:
    found = machine(BackupFacts(within=TWO_DAYS), is_host=True)

    assert found == Verdict(safety=Safety.HOST)


def test_a_virtual_machine_that_nothing_protects_says_so() -> None:
    found = vm()

    assert found == Verdict(safety=Safety.UNPROTECTED, reasons=(Why.NOT_PROTECTED,))


def test_replication_alone_protects_a_virtual_machine() -> None:
    found = vm(GOOD)

    assert found == Verdict(safety=Safety.PROTECTED)


def test_good_backups_do_not_hide_a_replication_in_danger() -> None:
    bad = WayFacts(state="replicating", health="critical")

    found = vm(GOOD, bad, backups=backed_up())

    assert found == Verdict(safety=Safety.AT_RISK, reasons=(Why.REPLICATION_CRITICAL,))


def test_a_machine_that_was_failed_over_is_not_replicated_any_more() -> None:
    found = vm(WayFacts(state="failed-over", health="normal"))

    assert found == Verdict(safety=Safety.AT_RISK, reasons=(Why.FAILED_OVER,))


def test_a_replication_that_was_ended_protects_nothing() -> None:
    found = vm(WayFacts(state="off", health="normal"))

    assert found.safety is Safety.UNPROTECTED


def test_a_host_that_was_told_to_protect_and_has_no_point_yet_is_at_risk() -> None:
    found = vm(is_tracked=True)

    assert found == Verdict(safety=Safety.AT_RISK, reasons=(Why.NO_POINT,))


def test_a_split_brain_is_what_counts() -> None:
    found = vm(GOOD, backups=backed_up(newest_point=None), is_split=True)

    assert found == Verdict(safety=Safety.AT_RISK, reasons=(Why.SPLIT_BRAIN,))


def test_the_gravest_reason_comes_first() -> None:
    found = machine(backed_up(newest_point=None, has_failed=True), is_silent=True)

    assert found.reasons == (Why.NO_POINT, Why.BACKUP_FAILED, Why.SILENT)
