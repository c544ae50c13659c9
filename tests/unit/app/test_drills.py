"""What is said anew of a drill is put over what was kept of it."""

from datetime import UTC, datetime

import pytest

from holdfast.app.drills import DrillPlan, planned
from holdfast.fleet.schedule_text import ScheduleNotUnderstood
from holdfast.recovery.checks.wishes import parse_check
from holdfast.recovery.drills.drill import Drill, Objective
from holdfast.recovery.trial import TrialWish

CHECKS = (parse_check("tcp:443"),)
KEPT = Drill(
    vm="uuid-1",
    name="web",
    wish=TrialWish(checks=CHECKS, networks={"lan": "lab"}, within=300),
    objective=Objective(rpo=300, rto=900),
    schedule="daily 03:00",
    zone="Asia/Seoul",
    set_at=datetime(2026, 3, 1, tzinfo=UTC),
)


def test_another_time_alone_leaves_all_else() -> None:
    drill = planned(KEPT, DrillPlan(schedule="SUN  03:00"))

    assert drill.schedule == "sun 03:00"
    assert (drill.wish, drill.objective, drill.zone) == (KEPT.wish, KEPT.objective, KEPT.zone)


def test_one_wish_leaves_the_other_wishes() -> None:
    drill = planned(KEPT, DrillPlan(wish={"within": 60.0}))

    assert drill.wish == TrialWish(checks=CHECKS, networks={"lan": "lab"}, within=60)


def test_one_objective_leaves_the_other_and_can_be_taken_back() -> None:
    drill = planned(KEPT, DrillPlan(objective={"rto": None}))

    assert drill.objective == Objective(rpo=300)


def test_what_is_no_schedule_is_refused_before_it_is_night() -> None:
    with pytest.raises(ScheduleNotUnderstood):
        planned(KEPT, DrillPlan(schedule="when it suits"))
