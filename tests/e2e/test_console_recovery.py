"""Replication, sites, failover, plans and drills as people meet them in a browser."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from holdfast.app.control.recoveries import take_recovery
from holdfast.app.control.recovery_plans import put_plan
from holdfast.app.control.replication_views import list_replications
from holdfast.catalog.replications import Filter
from holdfast.catalog.tables import Job
from holdfast.fleet.paging import Window
from holdfast.fleet.recovery_messages import RecoveryTold
from holdfast.testing.browser import DESKTOP, PHONE
from holdfast.testing.console import MARKS, ConsoleSite, console_at, look_at
from holdfast.testing.waiting import wait_until
from tests.e2e.figures import figures, rows_behind
from tests.e2e.recovery_rows import Live
from tests.unit.app.control.replication_ground import uuid_of

pytestmark = MARKS
WITHIN = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    site: ConsoleSite
    live: Live
    plan: str
    run: str

    def replication(self, name: str) -> str:
        found = list_replications(self.live.plane, self.live.admin, Filter(vm=name), Window()).items
        return found[0].id

    def jobs(self, kind: str) -> list[Job]:
        return self.live.jobs(kind)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with console_at(tmp_path_factory.mktemp("console")) as site:
        live = Live(site.plane)
        live.fill()
        plan = live.plan()
        yield Place(site=site, live=live, plan=plan.id, run=live.run_of(plan))


def test_replications_are_listed_the_worst_first(place: Place) -> None:
    look_at(place.site, "/replications", "replications", texts=("mail", "Critical", "berlin"))


def test_a_replication_says_how_far_behind_it_was_and_what_to_do(place: Place) -> None:
    path = f"/replications/{place.replication('mail')}"
    texts = ("How far behind it was", "A failover now would lose", "holdfast replication status")
    look_at(place.site, path, "replication", texts=texts)


def test_the_figures_of_a_chart_are_of_the_time_that_it_shows(place: Place) -> None:
    browser = place.site.browser
    rows = "return document.querySelector('.hf-figures-of').querySelectorAll('tbody tr').length"
    browser.open(f"/replications/{place.replication('mail')}")
    browser.click("The figures of this chart")
    browser.until(lambda: browser.run(rows) == 60, "minutes of a day")

    browser.click("A week")

    browser.until(lambda: 0 < browser.run(rows) < 60, "hours of a week")


def test_sites_are_shown_with_the_ways_between_them(place: Place) -> None:
    look_at(place.site, "/sites", "sites", texts=("Which hosts replicate where", "berlin", "far"))


def test_a_site_says_what_lies_there(place: Place) -> None:
    look_at(place.site, "/sites/berlin", "site", texts=("Replicas that lie here", "shop"))


def test_where_each_machine_runs_and_what_stands_still(place: Place) -> None:
    texts = ("Stand still, need a person", "files", "Failed over, not committed")
    look_at(place.site, "/recovery", "recovery", texts=texts)


@pytest.mark.parametrize("path", ["/recovery", "/replications", "/drills"])
def test_figures_lead_to_as_many_as_they_say(place: Place, path: str) -> None:
    browser = place.site.browser
    browser.open(path)
    browser.wait_for("1-")
    tiles = {name: tile for name, tile in figures(browser).items() if tile[0].isdecimal()}

    held = {name: rows_behind(browser, href) for name, (_count, href) in tiles.items()}

    assert len(tiles) > 2
    assert held == {name: int(count) for name, (count, _href) in tiles.items()}


@pytest.mark.parametrize(
    ("figure", "path"),
    [
        ("Waits to be sent", "/replications"),
        ("Waits to be sent", "/replications/{replication}"),
        ("Would be lost by a failover now", "/replications/{replication}"),
        ("Sent a second", "/replications/{replication}"),
        ("Recovery points", "/recovery/{vm}"),
        ("Free", "/sites/berlin"),
        ("Replicas", "/sites/berlin"),
        ("Steps done", "/plan-runs/{run}"),
        ("All up within", "/plan-runs/{run}"),
    ],
)
def test_a_figure_leads_to_the_place_on_its_page_that_it_is_made_of(
    place: Place, figure: str, path: str
) -> None:
    browser = place.site.browser
    names = {"replication": place.replication("mail"), "vm": uuid_of("shop"), "run": place.run}
    # Where the way there is longest.
    browser.resize(PHONE)
    browser.open(path.format(**names))
    browser.wait_for(figure)
    href = figures(browser)[figure][1]
    assert href.startswith("#")

    browser.run(f"document.querySelector('a.hf-figure[href=\"{href}\"]').click()")

    browser.until(
        lambda: browser.run(
            f"const place = document.querySelector('{href}');"
            "const at = place.getBoundingClientRect();"
            # Nothing that stays at the top of the page lies upon its beginning.
            "return place.contains(document.elementFromPoint(at.left + 30, at.top + 5))"
        ),
        href,
    )
    browser.resize(DESKTOP)


def test_who_stands_on_a_figure_stays_there_when_it_moves(place: Place) -> None:
    browser = place.site.browser
    browser.open(f"/recovery/{uuid_of('db')}")
    browser.wait_for("Would be lost now")
    figure = "document.querySelector('a.hf-figure')"
    browser.run(f"{figure}.focus()")
    before = browser.run(f"return {figure}.innerText")

    browser.until(lambda: browser.run(f"return {figure}.innerText") != before, "another figure")

    assert browser.run(f"return document.activeElement === {figure}")


def test_a_machine_that_was_failed_over_can_be_kept_or_taken_back(place: Place) -> None:
    path = f"/recovery/{uuid_of('shop')}"
    texts = ("What can be done now", "Commit", "Undo the failover", "Recovery points")
    look_at(place.site, path, "failover", texts=texts)


def test_figures_that_move_take_no_button_from_under_a_hand(place: Place) -> None:
    browser = place.site.browser
    browser.open(f"/recovery/{uuid_of('db')}")
    browser.wait_for("Would be lost now", "Planned failover")
    figure = "return document.querySelector('.hf-figure-value').innerText"
    browser.until(
        lambda: browser.run(
            "const all = [...document.querySelectorAll('a.hf-button')];"
            "const one = all.find(e => e.innerText.includes('Planned failover'));"
            "one.focus(); return document.activeElement === one"
        ),
        "a button with the focus",
    )
    before = browser.run(figure)

    browser.until(lambda: browser.run(figure) != before, "another figure")

    assert "Planned failover" in browser.run("return document.activeElement.innerText")


def test_an_act_that_stands_still_is_shown_with_its_steps(place: Place) -> None:
    path = f"/recovery/{uuid_of('files')}"
    texts = (
        "Stands still",
        "files did not shut down",
        "Go on: Planned failover",
        "Undo the failover",
    )
    look_at(place.site, path, "failover-stands-still", texts=texts)


def test_before_an_act_its_host_is_asked_to_look(place: Place) -> None:
    path = f"/recovery/{uuid_of('db')}/unplanned"
    texts = ("What will happen", "What can be undone", "What is in its way", "far is looking")
    before = len(place.jobs("failover-check"))

    look_at(place.site, path, "wizard", texts=texts)

    wait_until(lambda: len(place.jobs("failover-check")) > before, within=WITHIN)
    assert {job.arguments["act"] for job in place.jobs("failover-check")} == {"unplanned"}


def test_what_the_host_has_found_is_told_and_keeps_from_beginning(place: Place) -> None:
    browser = place.site.browser
    before = {job.id for job in place.jobs("failover-check")}
    browser.open(f"/recovery/{uuid_of('web')}/planned")
    browser.wait_for("far is looking")
    wait_until(lambda: len(place.jobs("failover-check")) > len(before), within=WITHIN)
    (job,) = [job for job in place.jobs("failover-check") if job.id not in before]

    place.live.answer(
        job,
        clear=False,
        generation="0013" * 8,
        taken_at="2026-03-01T12:00:00+00:00",
        problems=[
            {
                "code": "failover-mac-taken",
                "message": "as the host says it",
                "remedy": "",
                "fields": {"about": "web", "other": "twin", "mac": "52:54:00:00:00:01"},
            }
        ],
        doubts=["From here web could not go back to its home: it knows no site at this host"],
        networks={"lan": "dr-lan"},
    )
    browser.wait_for("twin on this host runs with the network address", "could not go back")
    browser.shot("wizard-answered")

    begin = browser.named("Planned failover")
    assert begin.get_attribute("disabled") is not None
    assert browser.axe() == []


def test_who_asks_again_waits_for_the_newer_look_only(place: Place) -> None:
    browser = place.site.browser
    before = {job.id for job in place.jobs("failover-check")}

    def asked() -> list[Job]:
        return [job for job in place.jobs("failover-check") if job.id not in before]

    browser.open(f"/recovery/{uuid_of('web')}/planned")
    wait_until(lambda: len(asked()) == 1, within=WITHIN)
    browser.click("Look again")
    wait_until(lambda: len(asked()) == 2, within=WITHIN)
    for job in asked():
        place.live.answer(job, clear=True)
    browser.wait_for("Nothing is in its way.")

    browser.run("document.querySelector('.hf-notice.hf-good').id = 'drawn-once'")
    # A look that goes on draws it anew at each of its turns, which are a second apart.
    browser.driver.execute_async_script("setTimeout(arguments[0], 3000)")
    assert browser.run("return document.getElementById('drawn-once') !== null")


def test_a_failover_begins_only_once_the_machine_is_named(place: Place) -> None:
    browser = place.site.browser

    def is_disabled(label: str) -> bool:
        return browser.named(label).get_attribute("disabled") is not None

    browser.open(f"/recovery/{uuid_of('queue')}/unplanned")
    browser.wait_for("From which recovery point")
    for text in ("I am certain that nothing of it runs at its host", "If its host still answers"):
        browser.run(
            "[...document.querySelectorAll('[role=checkbox]')]"
            f".find(box => box.textContent.includes('{text}')).click()"
        )

    browser.click("Unplanned failover")
    browser.wait_for("Type queue to go on")
    assert is_disabled("Unplanned failover")
    browser.type("Type queue to go on", "queue")
    browser.until(lambda: not is_disabled("Unplanned failover"), "that it can begin")
    browser.click("Unplanned failover")
    browser.wait_for("Ordered from here")

    (made,) = [one for one in place.jobs("failover-unplanned") if one.arguments["vm"] == "queue"]
    assert made.arguments == {
        "vm": "queue",
        "point": "latest",
        "source_is_down": True,
        "try_shut_down": True,
    }
    assert made.machine_id == place.live.far.id


def test_plans_are_listed_with_their_last_run(place: Place) -> None:
    look_at(place.site, "/plans", "plans", texts=("our-shop", "Under way"))


def test_a_plan_is_checked_as_it_is_typed(place: Place) -> None:
    look_at(place.site, f"/plans/{place.plan}", "plan", texts=("Nothing is wrong with the plan",))
    browser = place.site.browser
    browser.open(f"/plans/{place.plan}")
    browser.wait_for("Nothing is wrong with the plan")

    browser.type("The plan as YAML", "version: 1\nname: x\ngruops: []\n")
    browser.wait_for("Line 3")

    assert "groups" in browser.text


def test_a_new_plan_begins_with_the_machines_that_there_are(place: Place) -> None:
    look_at(place.site, "/plans/new", "plan-new", texts=("Nothing is wrong with the plan", "db"))


WHOLE = """\
version: 1
name: whole-shop
groups:
  - name: first
    pre:
      - name: point the names there
        host-script: switch-dns
        host: kvm2
        only: [planned, unplanned]
      - webhook: https://status.example/hooks/secret
        only: [planned]
    machines:
      - vm: db
        networks: {office: dr-office}
        addresses:
          192.0.2.0/24: {to: 198.51.100.0/24, gateway: 198.51.100.1}
          office: 198.51.100.40/24
        test: {networks: {office: drill}, addresses: {office: 203.0.113.40/24}}
        post:
          - guest-script: systemctl start shop
"""


def test_a_plan_shows_what_is_done_around_its_machines_and_where_they_are_found(
    place: Place,
) -> None:
    live = place.live
    plan = put_plan(live.plane, live.admin, live.vault, WHOLE)
    lacking = "The host kvm2 has no script switch-dns for plans"
    texts = (lacking, "script of kvm2: switch-dns", "addresses in tests: office=203.0.113.40/24")
    look_at(place.site, f"/plans/{plan.id}", "plan-whole", texts=texts)

    told = RecoveryTold(at=live.now, records=[], scripts=["switch-dns"])
    take_recovery(live.plane, live.two.actor, told)
    place.site.browser.open(f"/plans/{plan.id}")
    place.site.browser.wait_for("Nothing is wrong with the plan")
    run = live.run_of(plan, "unplanned")
    addresses = "addresses: 192.0.2.0/24=198.51.100.0/24,gateway=198.51.100.1"
    shown = ("script of kvm2: point the names there", addresses)
    look_at(place.site, f"/plan-runs/{run}", "plan-run-whole", texts=shown)


def test_a_run_of_a_plan_is_followed(place: Place) -> None:
    texts = ("our-shop", "start db", "Not begun", "How long it took")
    look_at(place.site, f"/plan-runs/{place.run}", "plan-run", texts=texts)


def test_a_question_of_a_plan_is_answered_on_the_page(place: Place) -> None:
    browser = place.site.browser
    run = place.live.asking_run(place.live.plan("asked-shop"))
    browser.open(f"/plan-runs/{run}")
    browser.wait_for("A person is asked", "Does the database answer?")
    browser.shot("plan-run-asks")
    assert browser.axe() == []
    # The times of a machine lead to the job that started it.
    started = "return document.querySelector('#times a[href*=\"/jobs/\"]').innerText"
    assert browser.run(started) == "db"

    browser.click("Yes, go on")
    browser.wait_for("Said: Yes, go on")

    (job,) = [one for one in place.jobs("recovery-plan") if one.id == run]
    assert [one["decision"] for one in job.arguments["said"]] == ["yes"]


def test_drills_say_what_was_proven_and_what_never_was(place: Place) -> None:
    texts = ("Never drilled", "Passed", "How long machines took to come up", "Drills so far")
    look_at(place.site, "/drills", "drills", texts=texts)


def test_the_report_of_a_drill_is_read_on_the_page(place: Place) -> None:
    texts = ("What was looked at", "tcp:22", "promised: 10 s", "Its screen")
    look_at(place.site, "/drills/trial-008", "drill", texts=texts)


def test_replica_goes_with_a_password_only(place: Place) -> None:
    browser, path = place.site.browser, f"/replications/{place.replication('mail')}"

    browser.open(path)
    browser.click("End")
    browser.type("Type mail to go on", "mail")
    browser.click("End it")
    browser.wait_for("Prove that it is you")
    still_there = place.replication("mail")
    browser.type("Password", place.site.server.admin_password)
    browser.click("Go on")

    found = Filter(vm="mail")
    browser.until(
        lambda: not list_replications(place.live.plane, place.live.admin, found, Window()).items,
        "the end of the replication",
    )
    assert path.endswith(still_there)
