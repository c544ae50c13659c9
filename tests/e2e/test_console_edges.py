"""Pages that one meets seldom: the way in, what is not there, one's own rules and tokens."""

from collections.abc import Iterator

import pytest
from selenium.webdriver.common.by import By

from holdfast.testing.browser import DESKTOP, PHONE
from holdfast.testing.console import MARKS, ConsoleSite, console_at, look_at
from holdfast.testing.planes import add_vault

pytestmark = MARKS


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleSite]:
    with console_at(tmp_path_factory.mktemp("console")) as site:
        add_vault(site.plane, "main")
        yield site


def made(site: ConsoleSite, place: str, **what: object) -> str:
    """The id of what the API makes of this."""
    with site.server.client() as client:
        answer = client.post(f"/api/v1{place}", json=what)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def test_place_to_tell_is_shown(site: ConsoleSite) -> None:
    target = made(site, "/alert-targets", name="on-call", url="json://192.0.2.7/alerts")

    look_at(site, f"/alert-targets/{target}", "alert-target", texts=("on-call",))


def test_silence_is_shown(site: ConsoleSite) -> None:
    rule = made(site, "/alert-suppressions", reason="the disk is ordered", kind="machine-silent")

    look_at(site, f"/alert-silences/{rule}", "alert-silence", texts=("the disk is ordered",))


def test_token_is_shown(site: ConsoleSite) -> None:
    """Of one's own: those of others are nobody's to see."""
    browser = site.browser
    browser.look()
    browser.open("/account")
    browser.click("Make a token")
    browser.type("Name", "grafana")
    browser.click("Make it")
    browser.click("I have noted it")
    browser.click("grafana")
    browser.wait_for("grafana")
    here = browser.driver.current_url.partition("/ui")[2]

    look_at(site, here, "account-token", texts=("grafana",))


def test_new_policy_begins_as_it_is_proposed(site: ConsoleSite) -> None:
    look_at(site, "/policies/new", "policy-new")


def test_what_is_not_there_is_told_with_a_way_on(site: ConsoleSite) -> None:
    look_at(site, "/machines/of-nobody", "not-there", texts=("not-there",))
    look_at(site, "/no/such/page", "lost")


@pytest.mark.parametrize("window", [DESKTOP, PHONE])
def test_way_in_is_open_to_all(site: ConsoleSite, window: tuple[int, int]) -> None:
    browser = site.browser
    browser.look()
    browser.driver.delete_all_cookies()
    browser.resize(window)
    browser.driver.get(f"{site.server.url}/ui/login")
    assert browser.axe() == []
    assert not browser.is_wider_than_its_window()

    browser.field("name").send_keys("admin")
    browser.field("password").send_keys("of somebody else")
    browser.driver.find_element(By.CSS_SELECTOR, "button.hf-button-main").click()
    browser.wait_for("Name or password is wrong")
    browser.shot(f"login-refused-{window[0]}")
    assert browser.axe() == []

    browser.resize(DESKTOP)
    browser.log_in("admin", site.server.admin_password)
