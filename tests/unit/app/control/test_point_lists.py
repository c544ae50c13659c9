"""Recovery points over machines: in one list, and day by day."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from holdfast.app.control.errors import NotAllowed, NotThere
from holdfast.app.control.point_lists import (
    MOST_DAYS,
    PointWanted,
    list_all_points,
    points_calendar,
)
from holdfast.app.control.points import show_point, take_points
from holdfast.fleet.messages import PointsTold
from holdfast.fleet.paging import CursorNotUnderstood, Window, make_cursor
from holdfast.fleet.roles import Role
from holdfast.testing.planes import Registered, add_machine, add_person, add_vault
from tests.unit.app.control.policies_ground import Ground, point

UUID = "1b4e28ba-2fa1-11d2-883f-0016d3cca427"
NIGHT = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)
ALL = PointWanted()


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(tmp_path)


def tell(
    ground: Ground, machine: Registered, *moments: datetime, tags: tuple[str, ...] = ()
) -> None:
    told = [point(number, moment, *tags) for number, moment in enumerate(moments)]
    take_points(ground.plane, machine.actor, PointsTold(points=told))


def test_points_of_all_machines_come_newest_first_a_page_at_a_time(ground: Ground) -> None:
    other = add_machine(ground.plane, ground.vault, "beta")
    tell(ground, ground.machine, NIGHT, NIGHT - timedelta(days=2))
    tell(ground, other, NIGHT - timedelta(days=1), NIGHT)

    pages, window = list[list[tuple[str, int]]](), Window(limit=3)
    while not pages or window.after:
        page = list_all_points(ground.plane, ground.admin, ALL, window)
        pages.append([(one.machine, one.taken_at.day) for one in page.items])
        window = replace(window, after=page.next)

    assert [len(page) for page in pages] == [3, 1]
    assert {*pages[0][:2]} == {("alpha", 28), ("beta", 28)}
    assert [*pages[0][2:], *pages[1]] == [("beta", 27), ("alpha", 26)]


def test_a_point_of_a_virtual_machine_says_which_and_of_what_class(ground: Ground) -> None:
    tell(ground, ground.machine, NIGHT, tags=("vm", f"vm:{UUID}", "class:application"))

    found = list_all_points(ground.plane, ground.admin, PointWanted(vm=UUID), Window()).items
    others = list_all_points(ground.plane, ground.admin, PointWanted(vm="%"), Window()).items

    assert [(one.vm, one.consistency) for one in found] == [(UUID, "application")]
    assert others == []


def test_a_mark_somebody_chose_is_no_class(ground: Ground) -> None:
    tell(ground, ground.machine, NIGHT, tags=("class:gold", f"vm:{UUID}"))

    found = list_all_points(ground.plane, ground.admin, ALL, Window()).items

    assert [(one.vm, one.consistency) for one in found] == [(None, None)]


def test_a_list_has_a_beginning_and_an_end(ground: Ground) -> None:
    tell(ground, ground.machine, *(NIGHT - timedelta(days=n) for n in range(4)))
    wanted = PointWanted(since=NIGHT - timedelta(days=2), before=NIGHT)

    found = list_all_points(ground.plane, ground.admin, wanted, Window()).items

    assert [one.taken_at for one in found] == [NIGHT - timedelta(days=1), NIGHT - timedelta(days=2)]


def test_a_cursor_of_another_list_is_refused(ground: Ground) -> None:
    for parts in (["x", "y", "z"], ["2026-01-01T00:00:00", "y", "z"]):
        with pytest.raises(CursorNotUnderstood):
            list_all_points(ground.plane, ground.admin, ALL, Window(after=make_cursor(parts)))


def test_points_of_other_vaults_are_not_seen(ground: Ground) -> None:
    tell(ground, ground.machine, NIGHT)
    elsewhere = add_vault(ground.plane, "elsewhere")
    who = add_person(ground.plane, role=Role.READER, vault_id=elsewhere).actor

    shown = list_all_points(ground.plane, who, ALL, Window()).items

    assert shown == []
    assert points_calendar(ground.plane, who, ALL, last=NIGHT.date()).days == []
    with pytest.raises(NotAllowed):
        list_all_points(ground.plane, who, PointWanted(vault=ground.vault), Window())
    with pytest.raises(NotAllowed):
        points_calendar(ground.plane, who, PointWanted(machine=ground.machine.id))


def test_a_day_is_a_day_of_the_zone_asked_for(ground: Ground) -> None:
    tell(ground, ground.machine, NIGHT, NIGHT - timedelta(hours=1))

    in_utc, in_berlin = (
        points_calendar(ground.plane, ground.admin, ALL, last=date(2026, 3, 31), zone=zone)
        for zone in ("UTC", "Europe/Berlin")
    )

    assert [(one.day.day, one.points, one.bytes_added) for one in in_utc.days] == [(28, 2, 20)]
    assert [(one.day.day, one.points) for one in in_berlin.days] == [(28, 1), (29, 1)]


def test_a_day_counts_its_classes(ground: Ground) -> None:
    tell(ground, ground.machine, NIGHT, NIGHT - timedelta(hours=1), tags=("class:crash",))
    other = add_machine(ground.plane, ground.vault, "beta")
    tell(ground, other, NIGHT, tags=("class:application",))

    day = NIGHT.date()
    found = points_calendar(ground.plane, ground.admin, ALL, first=day, last=day)

    assert [one.classes for one in found.days] == [{"application": 1, "crash": 2}]
    assert found.points == 3


def test_a_calendar_is_a_year_at_most_whatever_is_asked_for(ground: Ground) -> None:
    found = points_calendar(ground.plane, ground.admin, ALL, first=date.min, last=date.max)

    assert (found.last - found.first).days == MOST_DAYS - 1
    assert found.days == []


def test_a_point_is_shown_with_what_holds_it(ground: Ground) -> None:
    made = ground.attached(ground.policy("daily 7"))
    told = ground.tell(3, made)

    found = show_point(ground.plane, ground.admin, ground.machine.id, told[0].id)

    assert (found.policy, [hold.rule for hold in found.holds]) == ("nightly", ["daily 7"])
    with pytest.raises(NotThere):
        show_point(ground.plane, ground.admin, ground.machine.id, "f" * 64)
