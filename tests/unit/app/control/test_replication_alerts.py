"""One trouble is one alert, whatever the number of machines that have it; and its end is told."""

from pathlib import Path
from typing import Any

import pytest

from holdfast.app.control import replication_watch
from holdfast.app.control.alert_texts import body_of, sentence_of
from holdfast.base.texts import speaking
from holdfast.catalog.tables import Alert
from holdfast.replication.status import Health, State
from tests.unit.app.control.replication_ground import Ground, reason


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    made = Ground(tmp_path)
    made.site()
    made.replicated("db", "mail", "web")
    return made


def ill(ground: Ground, code: str, health: Health = Health.WARNING, **more: Any) -> dict[str, Any]:
    return {"reasons": (reason(ground, code, health),), "health": health, **more}


def tell(ground: Ground, **how: dict[str, Any]) -> None:
    """Those named are so, the others well."""
    names = ("db", "mail", "web")
    ground.tell(*(ground.report(name, **how.get(name, {})) for name in names))
    replication_watch.watch(ground.plane)


def rows(ground: Ground, kind: str) -> list[Alert]:
    with ground.plane.database.read() as db:
        return db.query(Alert).filter_by(kind=kind).all()


def test_a_broken_site_is_one_alert_that_names_all(ground: Ground) -> None:
    failing = ill(ground, "failing", error_code="site-unreachable")

    tell(ground, db=failing, mail=failing, web=failing)
    tell(ground, db=failing, mail=failing, web=failing)

    assert ground.alerts() == [("replication-warning", "db, mail, web")]
    (alert,) = rows(ground, "replication-warning")
    assert (alert.count, alert.fields["root"].partition(":")[0]) == (2, "site")


def test_what_follows_from_a_broken_site_is_not_told_beside_it(ground: Ground) -> None:
    tell(
        ground,
        db=ill(ground, "failing", error_code="site-full"),
        mail=ill(ground, "rpo-high", Health.CRITICAL),
        web=ill(ground, "paused"),
    )

    assert sorted(ground.alerts()) == [
        ("replication-critical", "db, mail"),
        ("replication-warning", "web"),
    ]


def test_a_spool_that_is_full_is_one_alert_of_the_host(ground: Ground) -> None:
    full = ill(ground, "spool-stopped", Health.CRITICAL)

    tell(ground, db=full, web=full)

    assert ground.alerts() == [("replication-critical", "db, web")]
    (alert,) = rows(ground, "replication-critical")
    assert alert.machine_id == ground.one.id


def test_each_machines_own_trouble_is_its_own_alert(ground: Ground) -> None:
    tell(ground, db=ill(ground, "resync-required"), web=ill(ground, "churn-high"))

    assert sorted(ground.alerts()) == [
        ("replication-warning", "db"),
        ("replication-warning", "web"),
    ]


def test_a_silent_host_is_one_alert(ground: Ground) -> None:
    ground.minutes(6, but=(ground.one,))
    replication_watch.watch(ground.plane)
    soon = ground.alerts()

    ground.minutes(60, but=(ground.one,))
    replication_watch.watch(ground.plane)

    assert soon == [("replication-warning", "db, mail, web")]
    assert ground.alerts() == [("replication-critical", "db, mail, web")]
    assert {one.is_heard for one in ground.listed()} == {False}


def test_a_site_that_is_silent_is_the_cause_of_what_is_late(ground: Ground) -> None:
    ground.minutes(20, but=(ground.far,))
    replication_watch.watch(ground.plane)

    assert ground.alerts() == [("replication-warning", "db, mail, web")]
    (alert,) = rows(ground, "replication-warning")
    assert alert.fields["code"] == "site-silent"


def test_the_end_of_a_trouble_is_told_once_and_as_loudly(ground: Ground) -> None:
    tell(ground, db=ill(ground, "spool-stopped", Health.CRITICAL))

    tell(ground)
    tell(ground)

    assert ground.alerts() == []
    (alert,) = rows(ground, "replication-recovered")
    assert (alert.severity, alert.fields["vms"]) == ("critical", "db")
    assert "well again" in sentence_of(alert)


def test_a_trouble_that_grows_is_told_anew_and_has_not_ended(ground: Ground) -> None:
    tell(ground, db=ill(ground, "rpo-high"))

    tell(ground, db=ill(ground, "rpo-high", Health.CRITICAL))

    assert ground.alerts() == [("replication-critical", "db")]
    assert rows(ground, "replication-recovered") == []


def test_a_first_copy_that_goes_on_is_no_alert(ground: Ground) -> None:
    copying = ill(ground, "initial-copy-unfinished", state=State.INITIAL_COPY)

    tell(ground, db=copying)

    assert ground.alerts() == []


def test_an_alert_speaks_the_language_of_whom_it_goes_to(ground: Ground) -> None:
    figures = reason(ground, "rpo-high", Health.WARNING, rpo_seconds="1260")
    tell(ground, db={"reasons": (figures,), "health": Health.WARNING})

    (alert,) = rows(ground, "replication-warning")

    with speaking("en"):
        assert "21" in sentence_of(alert)
        assert "holdfast replication status db" in body_of(alert)


def test_many_machines_are_counted_not_named(ground: Ground) -> None:
    names = [f"vm{number:02}" for number in range(12)]
    for name in names:
        ground.want(name)
    failing = ill(ground, "failing", error_code="site-unreachable")

    ground.tell(*(ground.report(name, **failing) for name in names))
    replication_watch.watch(ground.plane)

    (told,) = [vms for kind, vms in ground.alerts() if kind == "replication-warning"]
    assert told == ", ".join(names[:10]) + " +2"
