"""A real Chromium for tests of the console, asked in the words of somebody who looks at it."""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from holdfast.testing.waiting import wait_until

_PATIENCE = 90.0
DESKTOP, PHONE = (1280, 900), (390, 844)
AXE = Path(".work/axe/node_modules/axe-core/axe.min.js")
# What the standards ask for; the rest is taste.
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
_SERIOUS = frozenset(("serious", "critical"))


def is_there() -> bool:
    """Whether this machine has Chromium and its driver; `./run test` installs them."""
    return bool(shutil.which("chromium") and shutil.which("chromedriver"))


class Browser:
    """One window. Everything waits until what it is about is there."""

    def __init__(self, driver: webdriver.Chrome, url: str, shots: Path) -> None:
        self.driver, self._url, self._shots = driver, url, shots

    def open(self, path: str) -> None:
        """A path of the console, below its root; it is live afterwards."""
        self.driver.get(f"{self._url}/ui{path}")
        self.wait_until_live()

    def wait_until_live(self) -> None:
        """The page is drawn, and what is clicked reaches the server."""
        self.until(
            lambda: (
                self.run("return !!(window.socket && window.socket.connected)")
                or "/ui/login" in self.driver.current_url
            ),
            "a live page",
        )

    def log_in(self, name: str, password: str) -> None:
        self.driver.get(f"{self._url}/ui/login")
        self.field("name").send_keys(name)
        self.field("password").send_keys(password)
        self.driver.find_element(By.CSS_SELECTOR, "button.hf-button-main").click()
        self.until(lambda: "/ui/login" not in self.driver.current_url, "the way in")
        self.wait_until_live()

    def field(self, name: str) -> WebElement:
        """Of a plain form, by its name."""
        return self.driver.find_element(By.NAME, name)

    def look(self, *, language: str = "en", theme: str = "light") -> None:
        """From the next page on."""
        for name, value in (("language", language), ("theme", theme)):
            self.driver.add_cookie(
                {"name": f"holdfast-{name}", "value": value, "path": "/", "secure": True}
            )

    def shine(self, scheme: str) -> None:
        """The light around: what pages show whose theme is `auto`, from now on."""
        features = [
            # Pictures are of what comes to rest, not of what is still sliding in.
            {"name": "prefers-reduced-motion", "value": "reduce"},
            {"name": "prefers-color-scheme", "value": scheme},
        ]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def resize(self, size: tuple[int, int]) -> None:
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False},
        )

    @property
    def text(self) -> str:
        """All that can be read on the page now."""
        return str(self.run("return document.body.innerText"))

    def wait_for(self, *texts: str) -> None:
        self.until(lambda: all(one in self.text for one in texts), " and ".join(texts))

    def wait_without(self, text: str) -> None:
        self.until(lambda: text not in self.text, f"the end of {text}")

    def click(self, label: str) -> None:
        """What is named so: a button, a link, a tab, an entry of a menu; once it can be."""

        def press() -> None:
            found = self.named(label)
            if not found.is_enabled():
                raise LookupError(label)
            found.click()

        self._act(press, f"something to click called {label}")

    def type(self, label: str, text: str) -> None:
        """Into the field of that label, in place of what was there."""

        def write() -> None:
            field = self.labelled(label)
            # Emptied by a script, the framework would put back what it remembers.
            field.send_keys(Keys.CONTROL, "a", Keys.NULL, Keys.DELETE, text)

        self._act(write, f"a field called {label}")

    def choose(self, label: str, option: str) -> None:
        """An entry of a box to choose from."""
        self._act(lambda: self.labelled(label).click(), f"a box called {label}")
        self.click(option)

    def named(self, label: str) -> WebElement:
        """The visible element of that name; of several the last, where pages have what they do."""
        return self._found(_NAMED, label)

    def labelled(self, label: str) -> WebElement:
        return self._found(_LABELLED, label)

    def shot(self, name: str, *, whole: bool = True) -> Path:
        """A picture of the page, kept for whoever wants to look at it."""
        self._shots.mkdir(parents=True, exist_ok=True)
        place = self._shots / f"{name}.png"
        height = int(self.run("return document.documentElement.scrollHeight"))
        width = int(self.run("return window.innerWidth"))
        usual = int(self.run("return window.innerHeight"))
        if whole:
            self.resize((width, max(usual, min(height, 4000))))
        self.driver.save_screenshot(str(place))
        if whole:
            self.resize((width, usual))
        return place

    def is_wider_than_its_window(self) -> bool:
        return bool(self.run("return document.documentElement.scrollWidth > window.innerWidth + 1"))

    def tables_cut_off(self) -> list[str]:
        """The headings of each table that has to be moved sideways to be read."""
        return list(self.run(_CUT_OFF))

    def dead_figures(self) -> list[str]:
        """Those that lead nowhere, or to a place that is not on their page."""
        return list(self.run(_DEAD_FIGURES))

    def rest(self, scheme: str, what: str) -> None:
        """Until light and room are as they shall be, with nothing to be moved sideways for."""
        self.until(lambda: self.run(_AT_REST, scheme), f"room for {what}")

    def axe(self) -> list[str]:
        """What keeps people with a screen reader or a keyboard out, each with where it is."""
        if not self.run("return !!window.axe"):
            self.run(AXE.read_text())
        found = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            "axe.run(document, {runOnly: arguments[0]}).then(r => done(r.violations))",
            _RULES,
        )
        return [
            f"{one['impact']}: {one['id']}: {one['help']}: {node['html'][:300]}"
            for one in found
            if one["impact"] in _SERIOUS
            for node in one["nodes"]
        ]

    def foreign_requests(self) -> list[str]:
        """Whatever the page asked of another host than ours."""
        asked = self.run("return performance.getEntriesByType('resource').map(e => e.name)")
        return [
            one for one in asked if not one.startswith((self._url, "data:", "blob:", "wss://127"))
        ]

    def errors(self) -> list[str]:
        """What the browser complained of: scripts that failed, policies that were broken."""
        return [
            one["message"]
            for one in self.driver.get_log("browser")  # type: ignore[no-untyped-call]  # selenium has it so
            if one["level"] == "SEVERE"
        ]

    def run(self, script: str, *given: Any) -> Any:
        return self.driver.execute_script(script, *given)

    def until(self, is_so: Callable[[], Any], what: str) -> None:
        def look() -> bool:
            with contextlib.suppress(StaleElementReferenceException, LookupError):
                return bool(is_so())
            return False

        try:
            wait_until(look, within=_PATIENCE)
        except AssertionError as err:
            raise AssertionError(f"{what} did not come; the page says:\n{self.text}") from err

    def _found(self, script: str, label: str) -> WebElement:
        found: WebElement | None = self.run(script, label)
        if found is None:
            raise LookupError(label)
        return found

    def _act(self, act: Callable[[], None], what: str) -> None:
        def done() -> bool:
            try:
                act()
            except (WebDriverException, LookupError):
                return False  # not there yet, or drawn anew in between
            return True

        self.until(done, what)


# The navigation lies beside the page where there is room for it, and then moves it aside.
_AT_REST = """
const page = document.querySelector('.q-page-container');
const isAside = !page || parseFloat(getComputedStyle(page).paddingLeft) > 0 === innerWidth > 900;
const isDark = document.body.classList.contains('body--dark');
return isAside && isDark === (arguments[0] === 'dark')
  && document.documentElement.scrollWidth <= innerWidth + 1;
"""
_CUT_OFF = """
return [...document.querySelectorAll('.hf-table-frame')]
  .filter(e => e.scrollWidth > e.clientWidth + 1)
  .map(e => e.querySelector('thead').innerText.replace(/\\s+/g, ' '));
"""
_DEAD_FIGURES = """
const leads = href => href && (href[0] !== '#' || document.getElementById(href.slice(1)));
return [...document.querySelectorAll('.hf-figure')]
  .filter(e => !leads(e.getAttribute('href')))
  .map(e => e.querySelector('.hf-figure-label').innerText + ' leads nowhere');
"""
_VISIBLE = "const seen = e => e.offsetParent !== null || e.getClientRects().length > 0;"
_NAMED = (
    _VISIBLE
    + """
const name = e => (e.getAttribute('aria-label') || e.innerText || '').trim();
const all = [...document.querySelectorAll(
  'button, a, [role=button], [role=tab], [role=menuitem], [role=option], [role=radio], '
  + '[role=checkbox], .q-item, summary, label')];
const top = [...document.querySelectorAll('.q-dialog, .q-menu')].filter(seen).pop();
const there = all.filter(e => seen(e) && (!top || top.contains(e)));
const fits = [n => n === arguments[0], n => n.toLowerCase() === arguments[0].toLowerCase(),
  n => n.includes(arguments[0])];
for (const fit of fits) {
  const found = there.filter(e => fit(name(e)));
  if (found.length) return found.find(e => e.closest('main')) ? found.filter(e => e.closest('main')).pop() : found[0];
}
return null;
"""
)
_LABELLED = (
    _VISIBLE
    + """
const fields = [...document.querySelectorAll('input, textarea, select')].filter(seen);
const top = [...document.querySelectorAll('.q-dialog')].filter(seen).pop();
const words = e => [e.getAttribute('aria-label'), e.closest('label')?.innerText,
  ...[...(e.labels || [])].map(l => l.innerText)].filter(Boolean).map(t => t.trim());
return fields.filter(e => !top || top.contains(e)).find(e => words(e).some(w => w.includes(arguments[0]))) || null;
"""
)


@contextlib.contextmanager
def browsing(url: str, shots: Path) -> Iterator[Browser]:
    """Chromium without a screen; it trusts the server's own authority as nobody checks it here."""
    options = Options()
    options.binary_location = shutil.which("chromium") or "chromium"
    for word in (
        "--headless=new",
        "--no-sandbox",  # tests run as root
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--hide-scrollbars",
        "--force-color-profile=srgb",
        "--lang=en-US",
    ):
        options.add_argument(word)
    options.accept_insecure_certs = True
    options.set_capability("goog:loggingPrefs", {"browser": "SEVERE"})
    os.environ.setdefault("SE_OFFLINE", "true")  # noqa: TID251  selenium must not look for drivers elsewhere
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        driver.set_page_load_timeout(_PATIENCE)
        driver.set_script_timeout(_PATIENCE)
        browser = Browser(driver, url, shots)
        browser.shine("light")
        browser.resize(DESKTOP)
        yield browser
    finally:
        driver.quit()
