"""What is set, in a form and back: only what somebody made different is ordered."""

from datetime import UTC, datetime
from typing import Any

import pytest

from holdfast.app.control.assignments import AssignmentView, Change
from holdfast.app.control.drills import DrillView
from holdfast.console import assignment_form, drill_fields, replication_fields
from holdfast.console.replication_fields import limit_text, with_defaults
from holdfast.fleet.arguments import read_arguments
from holdfast.fleet.jobs import Kind
from holdfast.replication.settings import Limit, PointPolicy, ReplicationSettings, SiteAddress
from holdfast.replication.spool_guard import SpoolLimits
from holdfast.replication.thresholds import Thresholds

SETTINGS = ReplicationSettings(
    vm="uuid-1",
    name="web",
    to=SiteAddress(site="south", machine="m1", host="south"),
    every=30,
    points=PointPolicy(hours=48),
    limits=(Limit(bytes_per_second=2_500_000, window="weekdays 08:00-18:00"),),
    thresholds=Thresholds(rpo_warn=20 * 60),
    spool=SpoolLimits(warn=0.25),
)
DRILL = DrillView(
    vm="uuid-1",
    name="web",
    vault_id="v1",
    machine_id="m1",
    machine="south",
    schedule="daily 03:00",
    zone="UTC",
    point="latest",
    checks=["tcp:22"],
    networks={"lan": "lab"},
    within=600.0,
    rto_objective=900.0,
    rpo_objective=None,
    due_at=None,
    is_overdue=False,
    verdict="never",
    run="",
    at=None,
    passed_at=None,
    seconds_to_up=None,
    rpo_seconds=None,
)
DRILLED = drill_fields.fields_of(DRILL)


def test_settings_of_a_replication_are_written_as_its_command_takes_them() -> None:
    fields = replication_fields.fields_of(SETTINGS)

    assert fields == {
        "every": "30s",
        "points": 48,
        "app_every": "1h",
        "limits": ["20mbit@weekdays 08:00-18:00"],
        "priority": 0,
        "group": "",
        "resync_window": "",
        "thresholds": ["rpo-warn=20m", "spool-warn=25%"],
    }
    assert fields.keys() == replication_fields.LABELS.keys()


@pytest.mark.parametrize(
    ("rate", "text"),
    [(0, "0"), (125_000_000, "1gbit"), (1_000, "8kbit"), (1_234_567, "1234567")],
)
def test_a_limit_is_written_so_that_it_is_read_again(rate: int, text: str) -> None:
    assert limit_text(Limit(bytes_per_second=rate)) == text


def test_a_threshold_that_is_taken_away_is_the_usual_one_again() -> None:
    now = ["rpo-warn=20m", "spool-warn=25%"]

    assert with_defaults(now, ["rpo-warn=10m"]) == ["rpo-warn=10m", "spool-warn=30%"]


@pytest.mark.parametrize(
    ("new", "told"),
    [
        ({"schedule": "sun 03:00"}, {"schedule": "sun 03:00"}),
        ({"rto": "", "checks": []}, {"schedule": "daily 03:00", "rto": "0", "checks": []}),
        ({"rpo": "5m", "zone": ""}, {"schedule": "daily 03:00", "rpo": "5m"}),
        ({"schedule": "", "rpo": "5m"}, {"never": True}),
    ],
)
def test_only_what_is_different_of_a_drill_is_ordered(
    new: dict[str, Any], told: dict[str, Any]
) -> None:
    order = drill_fields.order_of(DRILLED, {**DRILLED, **new})

    assert order == told
    assert read_arguments(Kind.SCHEDULE_DRILL, {"vm": "web", **order})["vm"] == "web"


def test_a_drill_is_written_as_its_command_takes_it() -> None:
    assert DRILLED == {
        "schedule": "daily 03:00",
        "zone": "UTC",
        "checks": ["tcp:22"],
        "point": "latest",
        "networks": ["lan=lab"],
        "within": "10m",
        "rto": "15m",
        "rpo": "",
    }
    assert DRILLED.keys() == drill_fields.LABELS.keys()


def assigned(**more: Any) -> AssignmentView:
    told: dict[str, Any] = {
        "paths": ["/srv"],
        "vms": [],
        "options": {"excludes": ["*.tmp"], "one_file_system": True},
        **more,
    }
    return AssignmentView(
        id="a1",
        machine_id="m1",
        machine="web1",
        machine_state="active",
        vault_id="v1",
        policy_id="p1",
        policy="nightly",
        policy_version=1,
        is_paused=False,
        created_at=datetime(2026, 3, 1, tzinfo=UTC),
        next_runs=[],
        **told,
    )


def test_an_assignment_that_is_left_as_it_is_changes_nothing() -> None:
    now = assignment_form.fields_of(assigned())

    assert now.keys() == assignment_form.LABELS.keys()
    assert assignment_form.change_of(now, dict(now)) == Change()


def test_options_of_an_assignment_are_told_as_a_whole() -> None:
    now = assignment_form.fields_of(assigned())

    change = assignment_form.change_of(now, {**now, "excludes": [], "tags": ["hot"]})

    assert change == Change(options={"one_file_system": True, "tags": ["hot"]})


def test_options_about_files_go_with_the_last_path() -> None:
    now = assignment_form.fields_of(assigned())

    change = assignment_form.change_of(now, {**now, "paths": [], "vms": ["db"]})

    assert change == Change(paths=[], vms=["db"], options={})
