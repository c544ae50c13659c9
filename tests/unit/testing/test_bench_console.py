"""The fleet the console is measured with is one that a server could have."""

from pathlib import Path

import pytest

from bench.console_browsers import query_of
from bench.console_ground import Size, fill, silence
from bench.console_report import Asked, Live, Results, text
from holdfast.app.control.alert_rules import gravest_alerts
from holdfast.app.control.overview import show_overview
from holdfast.app.control.problems import list_problems
from holdfast.base.clock import SystemClock
from holdfast.fleet.paging import Window
from holdfast.testing.planes import add_admin, make_plane


def test_the_fleet_is_judged_like_any_other(tmp_path: Path) -> None:
    plane = make_plane(tmp_path, clock=SystemClock())
    admin = add_admin(plane).actor
    fill(plane.database, Size(machines=200, points=400, vms=8, jobs=200))

    shown = show_overview(plane, admin)
    found = list_problems(plane, admin, Window())
    plane.database.close()

    # Two of them are silent, in the vaults of five no room is left, four have no policy.
    assert (shown.machines.total, shown.machines.at_risk) == (200, 7)
    assert shown.machines.unprotected == 4
    assert (shown.vms.total, shown.vms.at_risk) == (8, 2)
    assert {one.kind for one in found.items} == {
        "replication",
        "machine-silent",
        "backup-failed",
    }


def test_a_fleet_that_fell_silent_at_once_is_one_trouble(tmp_path: Path) -> None:
    plane = make_plane(tmp_path, clock=SystemClock())
    admin = add_admin(plane).actor
    fleet = fill(plane.database, Size(machines=50, points=100, vms=8, jobs=50))
    silence(plane.database, fleet)

    found = list_problems(plane, admin, Window()).items
    alerts = gravest_alerts(plane, admin, 100, is_open=True)
    plane.database.close()

    (all_of_them,) = (one for one in found if one.kind == "machine-silent")
    assert (all_of_them.machine_count, all_of_them.vm_count) == (50, 8)
    assert [one.kind for one in alerts.alerts].count("machine-silent") == 50


def test_the_way_to_a_pages_websocket_is_read_from_the_page() -> None:
    page = "x query: {'client_id': 'ab-12', 'next_message_id': 0, 'implicit_handshake': True},"

    found = query_of(page)

    assert found["client_id"] == "ab-12"
    assert (found["next_message_id"], found["implicit_handshake"]) == ("0", "true")


def test_what_is_no_page_of_the_console_is_said_so() -> None:
    with pytest.raises(ValueError, match="no page"):
        query_of("<title>503</title>")


def test_the_ratio_stands_where_there_is_something_to_compare_with() -> None:
    asked = [
        Asked(what="overview", database="SQLite", ms=50, slowest_ms=60, cpu_ms=40, peer_ms=500),
        Asked(what="page /", database="SQLite", ms=20, slowest_ms=30, cpu_ms=10),
    ]
    live = Live(
        database="SQLite",
        browsers=50,
        open_ms=100,
        late_ms=2000,
        latest_ms=4000,
        quiet_share=0.1,
        busy_share=0.2,
        resident_mb=300,
        page_kb=900,
        changes=10,
    )

    shown = text(Results(asked=asked, live=[live], silent=asked)).splitlines()

    assert shown[1].split() == ["overview", "SQLite", "50", "60", "40", "500", "10.0"]
    assert shown[2].split() == ["page", "/", "SQLite", "20", "30", "10"]
    assert "10%" in shown[5]
    # Nobody reads the lists again for that.
    assert shown[-2].split() == ["overview", "SQLite", "50", "60", "40"]
