"""The console without a mouse: where one is can be seen, and a form is left by its key."""

from collections.abc import Iterator

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from holdfast.testing.browser import Browser
from holdfast.testing.console import MARKS, ConsoleSite, console_at

pytestmark = MARKS
_MOST_STEPS = 60
_WHERE = (
    "return document.activeElement.getAttribute('aria-label') || document.activeElement.innerText"
)
_LINE = "return getComputedStyle(document.activeElement).outlineStyle"
_DIALOGS = "return [...document.querySelectorAll('.q-dialog')].filter(e => e.getClientRects().length).length"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleSite]:
    with console_at(tmp_path_factory.mktemp("console")) as site:
        yield site


def press(browser: Browser, *keys: str) -> None:
    ActionChains(browser.driver).send_keys(*keys).perform()


def go_to(browser: Browser, label: str) -> None:
    """By the key that goes from one thing to the next."""
    for _step in range(_MOST_STEPS):
        press(browser, Keys.TAB)
        if label in str(browser.run(_WHERE)):
            return
    raise AssertionError(f"no way to {label} by the keys")


def test_a_button_that_has_the_focus_has_a_line_around_it(site: ConsoleSite) -> None:
    site.browser.open("/accounts")
    site.browser.wait_for("Add an account")

    go_to(site.browser, "Add an account")

    assert site.browser.run(_LINE) == "solid"


def test_a_form_is_opened_and_left_by_keys(site: ConsoleSite) -> None:
    browser = site.browser
    browser.open("/accounts")
    browser.wait_for("Add an account")

    go_to(browser, "Add an account")
    press(browser, Keys.ENTER)
    browser.wait_for("Cancel")
    press(browser, Keys.ESCAPE)

    browser.until(lambda: browser.run(_DIALOGS) == 0, "the end of the form")
    browser.until(lambda: "Add an account" in str(browser.run(_WHERE)), "the button it came from")
