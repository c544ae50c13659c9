"""The console from a first login to a passed drill, as somebody with a mouse would do it.

Pictures of each stage lie below .work/shots afterwards, as story-….
"""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.app.replication_process import Work, at_work
from holdfast.testing.browser import AXE, Browser, browsing, is_there
from holdfast.testing.console import SHOTS
from holdfast.testing.guests import Guest
from holdfast.testing.hosts import KvmHost
from holdfast.testing.waiting import wait_until
from tests import machines_bench
from tests.e2e.two_hosts import Ground, ground_on

pytestmark = [
    *machines_bench.MARKS,
    pytest.mark.skipif(not (is_there() and AXE.exists()), reason="no Chromium, driver or axe"),
]
_LOG = """\
2026-11-21T03:16:08.318130Z INFO Daemon Daemon Azure Linux Agent Version:2.7.3.0
2026-11-21T03:16:08.319628Z INFO Daemon Daemon OS: debian 12
2026-11-21T03:16:08.332123Z WARNING Daemon Daemon No route exists to 168.63.129.16
2026-11-21T03:16:08.343924Z ERROR Daemon Daemon /proc/net/route contains no routes
"""


class Visitor:
    """Somebody at a browser, and the ground that stands behind what they see."""

    def __init__(self, browser: Browser, ground: Ground) -> None:
        self.browser, self.ground = browser, ground

    def is_over(self) -> bool:
        """On a job's page."""
        states = ("done", "failed", "warnings", "cancelled")
        return any(f"\n{state}\n" in self.browser.text for state in states)

    def wait_for_the_end(self) -> None:
        self.browser.until(self.is_over, "the end of the job")
        assert "\ndone\n" in self.browser.text, self.browser.text

    def look(self, name: str) -> None:
        """A picture, and nobody is shut out."""
        self.browser.shot(f"story-{name}")
        assert self.browser.axe() == [], name
        assert self.browser.errors() == [], name
        assert self.browser.foreign_requests() == [], name


@pytest.fixture
def visitor(kvm_hosts: tuple[KvmHost, KvmHost], tmp_path: Path) -> Iterator[Visitor]:
    guest = Guest(kvm_hosts[0], "shop")
    try:
        guest.start()
        with (
            ground_on(kvm_hosts, tmp_path, console=True) as ground,
            browsing(ground.server.url, SHOTS) as browser,
        ):
            browser.log_in("admin", ground.server.admin_password)
            yield Visitor(browser, ground)
    finally:
        guest.remove()


def test_from_the_first_login_to_a_passed_drill(visitor: Visitor, tmp_path: Path) -> None:
    _protect(visitor)
    _back_up(visitor)
    _restore_a_file(visitor, tmp_path / "back")
    _replicate(visitor)
    with _site_that_stands_still(visitor):
        _see_it_fall_behind(visitor)
    _try_a_failover(visitor)
    _pass_a_drill(visitor)
    _ask_the_doctor(visitor)
    _see_it_recovered(visitor)
    _read_it_in_korean(visitor)


def _protect(visitor: Visitor) -> None:
    browser, source = visitor.browser, visitor.ground.north.source
    (source / "letter.txt").write_text("dear reader")
    browser.open("/start")
    browser.click("Protect it every night")
    browser.type("Folders and files, one a line", str(source))
    browser.click("Protect")
    browser.wait_for("north is protected by policy default")
    visitor.look("1-protected")


def _back_up(visitor: Visitor) -> None:
    browser = visitor.browser
    browser.open("/machines")
    browser.click("north")
    browser.wait_for("What is protected")
    browser.click("Back up now")
    browser.wait_for("Backup", "What came of it", "Recovery point")
    visitor.wait_for_the_end()
    visitor.look("2-job")


def _restore_a_file(visitor: Visitor, back: Path) -> None:
    browser, letter = visitor.browser, visitor.ground.north.source / "letter.txt"
    letter.unlink()
    browser.open("/restore")
    browser.click("north")
    browser.wait_for("Recovery point")
    browser.click("20")  # the one point, by its date
    browser.click("Files and folders that I choose")
    browser.type("Name", "letter")
    browser.click("Search below it")
    browser.wait_for("items were looked at")
    browser.click("Choose letter.txt")
    browser.type("Folder", str(back))
    browser.wait_for(f"{back} on north")
    visitor.look("3-restore")
    browser.click("Restore")
    browser.wait_for("What came of it")
    visitor.wait_for_the_end()
    (found,) = back.rglob("letter.txt")
    assert found.read_text() == "dear reader"


def _replicate(visitor: Visitor) -> None:
    browser = visitor.browser
    browser.open("/replications")
    browser.click("Replicate a virtual machine")
    browser.choose("Virtual machine", "shop (north)")
    browser.choose("To the site", "south")
    browser.choose("A new point each", "30 seconds")
    browser.click("Replicate it")
    browser.wait_for("Setting up a replication")
    visitor.wait_for_the_end()
    browser.open("/replications")
    # A first point is there: from now on it can fall behind, and be started.
    browser.wait_for("shop", "Normal", "Replicating")


@contextlib.contextmanager
def _site_that_stands_still(visitor: Visitor) -> Iterator[None]:
    serving = at_work(str(visitor.ground.south.home), Work.SERVE)
    assert serving is not None
    assert serving.pid is not None
    os.kill(serving.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(serving.pid, signal.SIGCONT)


def _see_it_fall_behind(visitor: Visitor) -> None:
    """The page tells by itself: nothing is loaded anew."""
    browser = visitor.browser
    browser.click("shop")
    browser.wait_for("How far behind it was")
    browser.until(
        lambda: "Warning" in browser.text or "Critical" in browser.text, "a health that is told"
    )
    visitor.look("4-behind")


def _try_a_failover(visitor: Visitor) -> None:
    browser = visitor.browser
    browser.click("Failover")
    browser.wait_for("What can be done now")
    browser.click("Test failover")
    browser.wait_for("What will happen", "What can be undone", "Nothing is in its way.")
    visitor.look("5-wizard")
    browser.click("Test failover")
    browser.wait_for("What can be done now")
    (job,) = visitor.ground.get("/jobs?kind=failover-test")["items"]
    browser.open(f"/jobs/{job['id']}")
    visitor.wait_for_the_end()


def _pass_a_drill(visitor: Visitor) -> None:
    browser = visitor.browser
    browser.open("/drills")
    browser.click("Run a drill")
    browser.choose("Virtual machine", "shop")
    browser.click("Run it")
    # It leads to the machine; who goes elsewhere before that is led back.
    browser.wait_for("What can be done now", "The job")
    browser.open("/drills")
    browser.until(lambda: _verdicts(browser) == {"Passed"}, "a passed drill")
    browser.open("/drills")
    browser.wait_for("Drills so far")
    browser.run("[...document.querySelectorAll('a[href*=\"/drills/\"]')][0].click()")
    browser.wait_for("Passed", "What was started", "What was looked at", "agent")
    visitor.look("6-drill")


def _verdicts(browser: Browser) -> set[str]:
    said = {"Passed", "Failed", "Under way", "Not cleaned up", "Objective missed"}
    cells = browser.run(
        "return [...document.querySelectorAll('td .hf-chip')].map(e => e.innerText)"
    )
    return said & set(cells)


def _ask_the_doctor(visitor: Visitor) -> None:
    browser = visitor.browser
    browser.open("/doctor")
    browser.type("Paste a log, a listing or a message", _LOG)
    browser.click("Ask the doctor")
    browser.wait_for("What the doctor found", "168.63.129.16", "What to do")
    visitor.look("7-doctor")


def _see_it_recovered(visitor: Visitor) -> None:
    """Cycles that were missed are forgotten as good ones come; the API is asked meanwhile."""

    def health() -> str:
        (one,) = visitor.ground.get("/replications")["items"]
        return str(one["health"])

    wait_until(lambda: health() == "normal", within=300)
    visitor.browser.open("/replications")
    visitor.browser.wait_for("shop", "Normal")


def _read_it_in_korean(visitor: Visitor) -> None:
    browser = visitor.browser
    browser.open("/")
    visitor.look("8-overview")
    browser.click("한국어")
    browser.wait_for("개요", "English")
    visitor.look("9-overview-ko")
    browser.open("/drills")
    browser.wait_for("훈련")
    browser.shot("story-9-drills-ko")
