"""The console's frame in a real browser: the way in and out, language, light, what is refused."""

import html
from collections.abc import Iterator
from datetime import datetime

import httpx
import pytest

from holdfast.app.control.job_reports import report_job
from holdfast.catalog.accounts import revoke_tokens
from holdfast.catalog.tables import Account
from holdfast.fleet.messages import JobReport
from holdfast.testing.console import MARKS, ConsoleSite, console_at, look_at
from holdfast.testing.planes import add_machine, add_person, add_vault

pytestmark = MARKS


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleSite]:
    with console_at(tmp_path_factory.mktemp("console")) as site:
        yield site


def plain(site: ConsoleSite) -> httpx.Client:
    return httpx.Client(base_url=site.server.url, verify=site.server.tls())


def test_a_page_is_open_to_everybody_who_is_logged_in(site: ConsoleSite) -> None:
    look_at(site, "/nowhere", "nowhere", texts=("There is no such page",))


@pytest.mark.parametrize(
    ("language", "a_machine", "a_job"), [("en", "Machine", "Job"), ("ko", "머신", "작업")]
)
def test_the_tab_names_the_thing_before_what_it_is(
    site: ConsoleSite, language: str, a_machine: str, a_job: str
) -> None:
    name = "<i>north</i> & co"
    token = add_person(site.plane, f"tab-{language}", is_admin=True).token
    machine = add_machine(site.plane, add_vault(site.plane, f"office-{language}"), name)
    report_job(site.plane, machine.actor, f"tab-{language}", done_job(site.plane.clock.now()))
    with plain(site) as client:
        client.headers["cookie"] = f"__Host-holdfast={token}; holdfast-language={language}"
        of_machine = client.get(f"/ui/machines/{machine.id}").text
        of_job = client.get(f"/ui/jobs/tab-{language}").text

    assert title_of(of_machine) == f"{name} · {a_machine} · Holdfast"
    assert name in title_of(of_job)
    assert title_of(of_job).endswith(f" · {a_job} · Holdfast")
    assert name not in of_machine + of_job, "what people wrote is escaped"


def done_job(at: datetime) -> JobReport:
    return JobReport(
        number=1,
        kind="backup",
        origin="schedule",
        source="/srv",
        state="done",
        created_at=at,
        started_at=at,
        ended_at=at,
    )


def title_of(page: str) -> str:
    return html.unescape(page.split("<title>")[1].split("</title>", maxsplit=1)[0])


def test_who_is_not_logged_in_is_asked_to_and_comes_where_they_wanted(site: ConsoleSite) -> None:
    with plain(site) as client:
        asked = client.get("/ui/jobs?state=failed")
        assert asked.status_code == 303
        form = client.get(asked.headers["location"])

        entered = client.post(
            "/ui/login",
            data={
                "name": "admin",
                "password": site.server.admin_password,
                "next": "/ui/jobs?state=failed",
            },
        )

    assert 'name="next" value="/ui/jobs?state=failed"' in form.text
    assert entered.headers["location"] == "/ui/jobs?state=failed"


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.test/", "//evil.test", "/ui//evil.test", "/ui/\\evil"]
)
def test_the_way_in_leads_nowhere_else(site: ConsoleSite, elsewhere: str) -> None:
    with plain(site) as client:
        entered = client.post(
            "/ui/login",
            data={"name": "admin", "password": site.server.admin_password, "next": elsewhere},
        )

    assert entered.headers["location"] == "/ui/"


def test_a_wrong_password_is_told_with_what_to_do_and_sets_no_cookie(site: ConsoleSite) -> None:
    add_person(site.plane, "bo")
    with plain(site) as client:
        refused = client.post("/ui/login", data={"name": "bo", "password": "guess"})

    assert refused.status_code == 401
    assert 'role="alert"' in refused.text
    assert "set-cookie" not in refused.headers


def test_the_session_lies_in_a_cookie_that_no_script_and_no_other_host_can_read(
    site: ConsoleSite,
) -> None:
    with plain(site) as client:
        entered = client.post(
            "/ui/login", data={"name": "admin", "password": site.server.admin_password}
        )

    said = entered.headers["set-cookie"].lower()
    assert said.startswith("__host-holdfast=")
    assert all(word in said for word in ("httponly", "secure", "samesite=lax", "path=/"))


def test_every_page_says_what_may_run_on_it(site: ConsoleSite) -> None:
    token = add_person(site.plane, "headers", is_admin=True).token
    with plain(site) as client:
        first, second = (
            client.get("/ui/start", headers={"cookie": f"__Host-holdfast={token}"})
            for _turn in range(2)
        )

    policy = first.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy.split("script-src")[1].split(";")[0]
    assert policy != second.headers["content-security-policy"], "the nonce is another each time"
    assert first.headers["x-frame-options"] == "DENY"


def test_a_connection_from_a_page_of_another_origin_is_refused(site: ConsoleSite) -> None:
    upgrade = {
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "origin": "https://evil.test",
    }
    with plain(site) as client:
        refused = client.get(
            "/ui/_nicegui_ws/socket.io/?EIO=4&transport=websocket", headers=upgrade
        )

    assert refused.status_code == 403


@pytest.mark.parametrize("path", ["/ui/login", "/ui/logout"])
def test_a_form_of_a_page_of_another_origin_is_refused(site: ConsoleSite, path: str) -> None:
    person = {"name": "admin", "password": site.server.admin_password}
    with plain(site) as client:
        refused = client.post(path, data=person, headers={"origin": "https://evil.test"})
        own = client.post(path, data=person, headers={"origin": site.server.url})

    assert refused.status_code == 403
    assert "set-cookie" not in refused.headers
    assert "set-cookie" in own.headers


def test_whoever_comes_in_anew_has_left_before(site: ConsoleSite) -> None:
    person = {"name": "admin", "password": site.server.admin_password}
    with plain(site) as client:
        first = client.post("/ui/login", data=person).cookies["__Host-holdfast"]
        client.cookies.set("__Host-holdfast", first)
        client.post("/ui/login", data=person)

        opened = client.get("/ui/start", headers={"cookie": f"__Host-holdfast={first}"})

    assert opened.status_code == 303


def test_another_language_is_kept_in_the_browser(site: ConsoleSite) -> None:
    site.browser.look()
    site.browser.open("/start")

    site.browser.click("한국어")
    site.browser.wait_for("English")

    assert site.browser.run("return document.documentElement.lang") == "ko-KR"
    site.browser.look()


def test_a_page_that_is_open_leads_to_the_login_and_back_when_its_session_has_ended(
    site: ConsoleSite,
) -> None:
    site.browser.open("/jobs")
    with site.plane.database.write() as db:
        account = db.query(Account).filter_by(name="admin").one()
        revoke_tokens(db, account.id, at=site.plane.clock.now())

    site.browser.until(lambda: "/ui/login" in site.browser.driver.current_url, "the login")
    site.browser.until(lambda: bool(site.browser.field("next")), "the form")
    wanted = site.browser.field("next").get_attribute("value")
    site.browser.log_in("admin", site.server.admin_password)

    assert wanted == "/ui/jobs"


def test_whoever_is_thrown_out_is_out_at_once_and_can_log_in_again(site: ConsoleSite) -> None:
    site.browser.open("/start")

    site.browser.click("Log out")
    site.browser.until(lambda: "/ui/login" in site.browser.driver.current_url, "the login")
    site.browser.driver.get(f"{site.server.url}/ui/start")
    site.browser.until(lambda: "/ui/login" in site.browser.driver.current_url, "the login")

    site.browser.log_in("admin", site.server.admin_password)
    site.browser.open("/start")
    site.browser.wait_for("Get started")
