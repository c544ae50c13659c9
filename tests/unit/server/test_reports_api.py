"""Reports over the API: figures, a page and a text."""

from datetime import timedelta

import pytest
from httpx import Client

from holdfast.app.control.plane import Plane
from holdfast.catalog.tables import KeptReport
from holdfast.fleet.roles import Role
from holdfast.server.application import PREFIX
from holdfast.testing.planes import Registered, Someone, add_person, add_vault, client_of


@pytest.fixture
def client(plane: Plane, admin: Someone, machine: Registered) -> Client:
    assert machine.id
    return client_of(plane, token=admin.token)


def test_weekly_report_has_figures_a_page_and_a_text(client: Client) -> None:
    figures = client.get(f"{PREFIX}/reports/weekly").json()
    page = client.get(f"{PREFIX}/reports/weekly/page")
    text = client.get(f"{PREFIX}/reports/weekly/text")

    assert figures["safety"]["unprotected"] == 1
    assert figures["verdict"] == "bad"
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<h1>Weekly summary</h1>" in page.text
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    assert "alpha: nothing protects it" in text.text


def test_capacity_report_has_figures_a_page_and_a_text(client: Client) -> None:
    figures = client.get(f"{PREFIX}/reports/capacity").json()
    page = client.get(f"{PREFIX}/reports/capacity/page")
    text = client.get(f"{PREFIX}/reports/capacity/text")

    assert [one["vault"] for one in figures["vaults"]] == ["main"]
    assert figures["vaults"][0]["growth"] is None
    assert "<h1>Capacity forecast</h1>" in page.text
    assert "main: 0 B stored" in text.text


def test_reports_speak_the_callers_language_and_clock(client: Client) -> None:
    asked = {"accept-language": "ko"}

    page = client.get(f"{PREFIX}/reports/capacity/page?zone=Asia/Seoul", headers=asked)

    assert '<html lang="ko">' in page.text
    assert "2026-01-01 21:00" in page.text


@pytest.mark.parametrize("report", ["weekly", "capacity"])
def test_zone_that_is_none_is_refused(client: Client, report: str) -> None:
    answer = client.get(f"{PREFIX}/reports/{report}/page?zone=Mars/Olympus")

    assert answer.json()["code"] == "zone-unknown"
    assert 400 <= answer.status_code < 500


def test_report_of_a_foreign_vault_is_refused(plane: Plane, vault: str) -> None:
    other = add_vault(plane, "other")
    reader = add_person(plane, role=Role.READER, vault_id=vault)
    client = client_of(plane, token=reader.token)

    refused = client.get(f"{PREFIX}/reports/weekly?vault={other}")
    own = client.get(f"{PREFIX}/reports/weekly?vault={vault}")

    assert refused.status_code == 403
    assert own.json()["vault"] == "main"


def test_target_may_ask_for_a_weekly_summary(client: Client) -> None:
    wanted = {"name": "office", "url": "json://192.0.2.7/x", "weekly_on": "monday"}

    made = client.post(f"{PREFIX}/alert-targets", json=wanted)
    wrong = client.post(f"{PREFIX}/alert-targets", json={**wanted, "weekly_on": "someday"})

    assert made.json()["weekly_on"] == "monday"
    assert wrong.status_code == 422


def sent(vault: str, title: str = "plan", **more: object) -> dict[str, object]:
    page = "<!doctype html><script>alert(1)</script>"
    made = "2026-01-01T12:00:00+09:00"
    return {"vault": vault, "title": title, "page": page, "made_at": made, **more}


def test_report_that_was_sent_is_listed_and_shown_as_it_was(client: Client, vault: str) -> None:
    facts = {"machines": 3, "interval": 900, "bandwidth": 1.5e6}

    made = client.post(f"{PREFIX}/reports/kept", json=sent(vault, facts=facts)).json()
    listed = client.get(f"{PREFIX}/reports/kept").json()["items"]
    page = client.get(f"{PREFIX}/reports/kept/{made['id']}/page")

    assert listed == [made]
    assert made["facts"] == facts
    assert page.text == sent(vault)["page"]
    assert page.headers["content-security-policy"].startswith("sandbox; default-src 'none'")


def test_reports_are_paged_and_dropped(client: Client, vault: str) -> None:
    for number in range(3):
        client.post(f"{PREFIX}/reports/kept", json=sent(vault, f"plan {number}"))

    first = client.get(f"{PREFIX}/reports/kept?limit=2").json()
    second = client.get(f"{PREFIX}/reports/kept?limit=2&after={first['next']}").json()
    for one in first["items"]:
        client.delete(f"{PREFIX}/reports/kept/{one['id']}")
    left = client.get(f"{PREFIX}/reports/kept").json()["items"]

    assert len(first["items"]) == 2
    assert left == second["items"]
    assert len(left) == 1


def test_the_oldest_reports_make_room(plane: Plane, client: Client, vault: str) -> None:
    with plane.database.write() as db:
        for number in range(120):
            db.add(
                KeptReport(
                    id=f"{number:03}",
                    kind="planner",
                    title="old",
                    vault_id=vault,
                    made_at=plane.clock.now(),
                    kept_at=plane.clock.now() - timedelta(days=200 - number),
                    kept_by="ada",
                    facts={},
                    page="",
                )
            )

    client.post(f"{PREFIX}/reports/kept", json=sent(vault))

    listed = client.get(f"{PREFIX}/reports/kept?limit=500").json()["items"]
    assert len(listed) == 100
    assert listed[0]["title"] == "plan"
    assert listed[-1]["id"] == "021"
