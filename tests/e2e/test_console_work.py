"""The console's pages about work in a real browser: jobs, and the doctor."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from selenium.webdriver.common.by import By

from holdfast.app.control import diagnosing
from holdfast.app.control.handing_over import folder
from holdfast.app.control.job_reports import report_job
from holdfast.fleet.messages import JobReport, Line, Step
from holdfast.testing.console import MARKS, ConsoleSite, console_at, look_at
from holdfast.testing.planes import Registered, add_machine, add_vault

pytestmark = MARKS

CASES = Path(__file__).parents[1] / "cases" / "doctor" / "waagent"
MIB = 1 << 20


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleSite]:
    with console_at(tmp_path_factory.mktemp("console")) as site:
        yield site


@pytest.fixture(scope="module")
def machine(site: ConsoleSite) -> Registered:
    return add_machine(site.plane, add_vault(site.plane, "office"), "web-01")


def _tell(site: ConsoleSite, machine: Registered, job_id: str, **told: Any) -> None:
    now = site.plane.clock.now()
    usual: dict[str, Any] = {
        "kind": "backup",
        "origin": "schedule",
        "source": "/srv",
        "created_at": now - timedelta(minutes=12),
        "started_at": now - timedelta(minutes=11),
    }
    report_job(site.plane, machine.actor, job_id, JobReport(**{**usual, **told}))


def _lines(site: ConsoleSite, *texts: str, level: str = "info") -> list[Line]:
    now = site.plane.clock.now()
    return [
        Line(at=now + timedelta(milliseconds=number), level=level, text=text)
        for number, text in enumerate(texts)
    ]


@pytest.fixture(scope="module")
def jobs(site: ConsoleSite, machine: Registered) -> dict[str, str]:
    """One that is done, one that failed, one that runs."""
    now = site.plane.clock.now()
    done = {"ended_at": now, "attempts": 1}
    _tell(
        site,
        machine,
        "done-0001",
        number=1,
        state="done",
        steps=[Step(number=1, name="scan", state="done", started_at=now, ended_at=now)],
        lines=_lines(site, "31 files are new", "the point is written"),
        result={"point": "3f2a9c0d", "files_new": 31, "bytes_added": 40 * MIB, "seconds": 73.4},
        **done,
    )
    _tell(
        site,
        machine,
        "failed-0001",
        number=1,
        state="failed",
        lines=_lines(site, "the vault does not answer", level="error"),
        error={
            "code": "storage-unreachable",
            "message": "The storage s3:backup does not answer",
            "remedy": "Look whether the network is up, and try again.",
        },
        finding={"code": "HF-VL001", "sentence": "The address leads nowhere", "cause": "x"},
        **done,
    )
    progress = {"phase": "store", "bytes_done": 300 * MIB, "bytes_total": 1000 * MIB}
    _tell(
        site,
        machine,
        "running-0001",
        number=1,
        state="running",
        attempts=1,
        progress={**progress, "files_done": 120, "files_total": 400, "seconds": 30.0},
        steps=[
            Step(number=1, name="scan", state="done", started_at=now, ended_at=now),
            Step(number=2, name="store", state="running", started_at=now),
        ],
        lines=_lines(site, "scanning /srv"),
    )
    return {"done": "done-0001", "failed": "failed-0001", "running": "running-0001"}


def test_jobs_are_listed_with_what_is_at_work_now(site: ConsoleSite, jobs: dict[str, str]) -> None:
    look_at(site, "/jobs", "jobs", texts=("At work now", "web-01", "30%", "done", "failed"))


def test_link_to_failed_jobs_shows_only_these(site: ConsoleSite, jobs: dict[str, str]) -> None:
    site.browser.open("/jobs?state=failed")

    site.browser.wait_for("1-1 of 1", "storage-unreachable")


def test_failed_job_says_why_and_what_lies_under_it(
    site: ConsoleSite, jobs: dict[str, str]
) -> None:
    told = ("What the doctor found", "The address leads nowhere", "Why it did not work")
    look_at(site, f"/jobs/{jobs['failed']}", "job-failed", texts=told)


def test_finished_job_says_what_came_of_it(site: ConsoleSite, jobs: dict[str, str]) -> None:
    told = ("What came of it", "40.0 MiB", "the point is written")
    look_at(site, f"/jobs/{jobs['done']}", "job-done", texts=told)


def test_what_the_doctor_found_on_a_machine_is_shown_as_its_report(
    site: ConsoleSite, machine: Registered
) -> None:
    log = (CASES / "no-route.log").read_bytes()
    with folder(machine.id) as given:
        given.place("waagent.log", len(log)).write_bytes(log)
        reports = diagnosing.diagnose(site.plane, machine.actor, given, languages=("en",))
    told = msgspec.to_builtins(reports["en"])
    _tell(
        site,
        machine,
        "doctor-0001",
        number=1,
        kind="doctor",
        state="done",
        source="doctor",
        ended_at=site.plane.clock.now(),
        result={name: value for name, value in told.items() if name not in ("event", "version")},
    )

    texts = ("What the doctor found", "Root cause", "HF-WA011", "What to do")
    look_at(site, "/jobs/doctor-0001", "job-doctor", texts=texts)


def test_link_to_the_jobs_of_a_machine_says_that_they_are_not_all(
    site: ConsoleSite, machine: Registered, jobs: dict[str, str]
) -> None:
    other = add_machine(site.plane, add_vault(site.plane, "other"), "db-01")

    site.browser.open(f"/jobs?machine={other.id}")

    site.browser.wait_for("Only those of one machine or vault are shown.", "No job in this time")


def test_running_job_is_followed_to_its_end(
    site: ConsoleSite, machine: Registered, jobs: dict[str, str]
) -> None:
    look_at(site, f"/jobs/{jobs['running']}", "job-running", texts=("30%", "300 MiB / 0.98 GiB"))
    site.browser.open(f"/jobs/{jobs['running']}")
    site.browser.wait_for("30%", "scanning /srv")

    _tell(
        site,
        machine,
        jobs["running"],
        number=2,
        state="running",
        progress={"phase": "store", "bytes_done": 600 * MIB, "bytes_total": 1000 * MIB},
        lines=_lines(site, "half of it is there"),
    )
    site.browser.wait_for("60%", "half of it is there")
    site.browser.shot("job-running-later")

    _tell(
        site,
        machine,
        jobs["running"],
        number=3,
        state="done",
        ended_at=site.plane.clock.now(),
        result={"point": "77aa", "bytes_added": 9 * MIB},
    )
    site.browser.wait_for("What came of it", "Do it again")


def test_job_is_cancelled_after_a_question(site: ConsoleSite, machine: Registered) -> None:
    _tell(site, machine, "running-0002", number=1, state="running", source="/var")
    site.browser.open("/jobs/running-0002")
    site.browser.wait_for("running")

    site.browser.click("Cancel the job")
    site.browser.wait_for("Cancel this job?")
    site.browser.click("Cancel the job")

    site.browser.wait_for("running, to be cancelled")


def test_job_is_done_again(site: ConsoleSite, machine: Registered) -> None:
    now = site.plane.clock.now()
    told = {"arguments": {"paths": ["/etc"]}, "source": "/etc", "ended_at": now}
    _tell(site, machine, "failed-0002", number=1, state="failed", **told)
    site.browser.open("/jobs/failed-0002")

    site.browser.click("Do it again")

    site.browser.until(lambda: "failed-0002" not in site.browser.driver.current_url, "a new job")
    site.browser.wait_for("waiting", "/etc")


def test_doctor_is_there_before_anything_is_asked(site: ConsoleSite, machine: Registered) -> None:
    look_at(site, "/doctor", "doctor", texts=("Read this", "Look at a machine", "Explain a code"))


def test_pasted_log_ends_in_a_proven_cause(site: ConsoleSite) -> None:
    browser = site.browser
    browser.open("/doctor")
    text = (CASES / "no-route.log").read_text()
    browser.run(_PASTE, browser.labelled("Paste a log"), text)

    browser.click("Ask the doctor")

    browser.wait_for("Root cause", "No route leads to 168.63.129.16", "HF-WA011", "What to do")
    browser.shot("doctor-pasted")
    assert not browser.axe()
    browser.click("한국어로")
    browser.until(lambda: "168.63.129.16" in browser.run(_IN_KOREAN), "the same in Korean")
    browser.shot("doctor-pasted-ko")


def test_uploaded_files_are_read_under_their_names(site: ConsoleSite, tmp_path: Path) -> None:
    browser, notes = site.browser, tmp_path / "notes.txt"
    notes.write_text("it began on Monday\n")
    files = (CASES / "python-missing.log", notes)
    browser.open("/doctor")
    box = browser.driver.find_element(By.CSS_SELECTOR, "input[type=file]")

    box.send_keys("\n".join(str(one.resolve()) for one in files))
    browser.wait_for("2 files are here", "python-missing.log", "notes.txt")
    browser.click("Ask the doctor")

    browser.wait_for("Root cause", "python-missing.log:")


def test_nothing_handed_over_is_told_as_an_error_with_its_remedy(site: ConsoleSite) -> None:
    site.browser.open("/doctor")

    site.browser.click("Ask the doctor")

    site.browser.wait_for("nothing-to-diagnose")


def test_code_in_the_address_is_explained(site: ConsoleSite) -> None:
    told = ("About 151076", "Causes, in the order in which to look")
    look_at(site, "/doctor?code=151076", "doctor-code", texts=told)


def test_doctor_is_sent_to_a_machine_and_becomes_a_job(
    site: ConsoleSite, machine: Registered
) -> None:
    site.browser.open(f"/doctor?machine={machine.id}&symptom=151076")

    site.browser.click("Look at it now")

    site.browser.until(lambda: "/ui/jobs/" in site.browser.driver.current_url, "the job")
    site.browser.wait_for("Doctor", "waiting")


_IN_KOREAN = "return document.querySelector('.hf-doctor > .hf-stack[lang=ko]')?.innerText || ''"
_PASTE = """
const [box, text] = arguments;
const set = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value').set;
set.call(box, text);
box.dispatchEvent(new Event('input', { bubbles: true }));
"""
