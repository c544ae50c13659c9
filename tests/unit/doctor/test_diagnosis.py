"""From verdicts to the root cause: order, explanations, ignorance, crashes, exit statuses."""

from datetime import datetime

import pytest

from holdfast.doctor import checking
from holdfast.doctor.checking import CodeCheck, Params
from holdfast.doctor.diagnosis import diagnose
from holdfast.doctor.examination import Wishes
from holdfast.doctor.factbase import Facts
from holdfast.doctor.loading import Catalogue, assemble
from holdfast.doctor.model import Severity, State, Verdict
from tests.unit.doctor import small
from tests.unit.doctor.small import FULL, QUIET, RECOVERED, RETRIED, visit


def _causes(findings: object) -> list[str]:
    return [one.cause for one in findings]  # type: ignore[attr-defined]  # findings are findings


def test_cause_that_explains_another_is_the_root() -> None:
    report = visit(FULL, "4711").report

    assert _causes(report.found) == ["app.disk-full"]
    assert _causes(report.explained) == ["app.write-failed"]
    assert report.found[0].consequences == ("app.write-failed",)


def test_verdict_carries_what_the_pattern_named() -> None:
    root = visit(FULL).report.root

    assert root is not None
    assert root.verdict.values == {"count": 1, "device": "/dev/sdb1"}
    assert root.verdict.evidence[0].place == "app.log:2"


def test_symptoms_order_comes_before_severity() -> None:
    reading = small.reading(FULL)
    reading.facts.add([small.volume(free=10)])

    asked = diagnose(small.catalogue(), reading, asked=["app.job-failed"])
    not_asked = diagnose(small.catalogue(), reading)

    assert _causes(asked.found) == ["app.disk-low", "app.disk-full"]
    assert _causes(not_asked.found) == ["app.disk-full", "app.disk-low"]


def test_all_unknown_stands_in_the_symptoms_order() -> None:
    report = visit("", "JobFailed").report

    assert _causes(report.unknown) == ["app.disk-low", "app.disk-full", "app.write-failed"]
    assert report.unknown[0].verdict.missing == ("app.volumes",)


@pytest.mark.parametrize("asked", ["app.disk-low", "HF-AP003", "hf-ap003", "disk low (HF-AP003)"])
def test_cause_is_asked_for_as_the_doctor_printed_it(asked: str) -> None:
    report = visit("", asked).report

    assert _causes(report.unknown) == ["app.disk-low"]
    assert report.unmatched == ()


def test_cause_that_was_asked_for_comes_before_a_graver_one() -> None:
    reading = small.reading(FULL)
    reading.facts.add([small.volume(free=10)])

    report = diagnose(small.catalogue(), reading, asked=["app.disk-low"])

    assert _causes(report.found) == ["app.disk-low", "app.disk-full"]


def test_unknown_is_told_only_of_what_was_asked() -> None:
    assert visit("").report.unknown == ()


def test_message_in_a_log_asks_too() -> None:
    report = visit(QUIET + "2026-03-01 10:00:08 ERROR job has failed\n").report

    assert list(report.symptoms) == ["app.job-failed"]
    assert _causes(report.unknown) == ["app.disk-low", "app.disk-full", "app.write-failed"]


def test_old_message_of_a_log_asks_nothing() -> None:
    report = visit("2026-01-01 10:00:08 ERROR job has failed\n" + QUIET).report

    assert report.symptoms == {}


def test_old_event_confirms_nothing() -> None:
    report = visit("2026-01-01 10:00:08 ERROR write failed\n" + QUIET).report

    assert report.found == ()


def test_later_success_rules_out_and_shows_itself() -> None:
    report = visit(RECOVERED, "4711").report

    assert _causes(report.found) == ["app.write-failed"]
    assert _causes(report.ruled_out) == ["app.disk-full"]
    assert report.ruled_out[0].verdict.evidence[0].excerpt.endswith("space is back")


def test_benign_record_confirms_nothing_else() -> None:
    assert visit(RETRIED).report.found == ()


def test_absence_proves_only_in_a_whole_log() -> None:
    whole = visit(QUIET, "4711", whole=True).report
    cut = visit(QUIET, "4711").report

    assert _causes(whole.ruled_out) == ["app.disk-full", "app.write-failed"]
    assert cut.ruled_out == ()


@pytest.mark.parametrize(
    ("free", "state"), [(999, State.CONFIRMED), (1000, State.RULED_OUT), (None, State.UNKNOWN)]
)
def test_threshold_is_decided_by_the_fact(free: int | None, state: State) -> None:
    reading = small.reading()
    reading.facts.add([] if free is None else [small.volume(free)])

    report = diagnose(small.catalogue(), reading, asked=["app.job-failed"])

    groups = (report.found, report.ruled_out, report.unknown)
    (found,) = [one for group in groups for one in group if one.cause == "app.disk-low"]
    assert found.verdict.state is state


def test_threshold_can_be_overridden() -> None:
    reading = small.reading()
    reading.facts.add([small.volume(free=2000)])

    report = diagnose(small.catalogue(), reading, overrides={"app.disk-low.min_free": 5000})

    assert report.found[0].verdict.values["limit"] == 5000


def _with_crash(monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    def crash(_facts: Facts, _params: Params) -> Verdict:
        raise ZeroDivisionError("by design")

    monkeypatch.setitem(checking.CHECKS, "app.write-failed", CodeCheck(crash))
    text = small.TOML.replace('{ event = ["app.write-failed"] }', "{ code = true }")
    return assemble([("app.toml", text)])


def test_crashed_check_is_a_finding_and_the_others_still_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    catalogue = _with_crash(monkeypatch)

    report = diagnose(catalogue, small.reading(FULL))

    assert [(one.what, one.error) for one in report.crashes] == [
        ("app.write-failed", "ZeroDivisionError: by design")
    ]
    assert _causes(report.found) == ["app.disk-full"]


def test_suppressed_cause_counts_nowhere_and_its_consequence_stands_alone() -> None:
    seen = visit(FULL, wishes=Wishes(suppressed={"app.disk-full"}))

    assert _causes(seen.report.found) == ["app.write-failed"]
    assert _causes(seen.report.suppressed) == ["app.disk-full"]
    both = visit(FULL, wishes=Wishes(suppressed={"app.disk-full", "app.write-failed"}))
    assert both.status == 0


def test_component_that_is_not_there_counts_only_when_asked_for() -> None:
    reading = small.reading(FULL)

    absent = diagnose(small.catalogue(), reading, components=())
    asked = diagnose(small.catalogue(), reading, components=(), asked=["app.outer"])

    assert absent.found == ()
    assert _causes(asked.found) == ["app.write-failed"]


def test_harmless_cause_is_never_the_first() -> None:
    harmless = small.TOML.replace('severity = "warning"', 'severity = "info"')
    catalogue = assemble([("app.toml", harmless)])
    reading = small.reading(FULL)
    reading.facts.add([small.volume(free=10)])

    report = diagnose(catalogue, reading, asked=["app.job-failed"])

    assert _causes(report.found) == ["app.disk-full", "app.disk-low"]


@pytest.mark.parametrize(
    ("log", "asked", "fail_on", "status"),
    [
        (FULL, (), "error", 1),
        (FULL, (), "critical", 1),
        (RECOVERED, (), "critical", 0),
        (RECOVERED, (), "error", 1),
        (QUIET, (), "error", 0),
        (QUIET, ("4711",), "error", 3),
        (QUIET, ("no such thing",), "error", 3),
        ("\x00\x01 nothing readable", (), "error", 3),
    ],
)
def test_exit_status_says_how_it_stands(
    log: str, asked: tuple[str, ...], fail_on: str, status: int
) -> None:
    seen = visit(log, *asked, wishes=Wishes(fail_on=Severity.of(fail_on)))

    assert seen.status == status


def test_crash_alone_is_status_4(monkeypatch: pytest.MonkeyPatch) -> None:
    from holdfast.doctor.diagnosis import exit_status

    report = diagnose(_with_crash(monkeypatch), small.reading(QUIET))

    assert exit_status(report) == 4


def test_first_keeps_the_root_and_what_it_explains() -> None:
    report = visit(FULL, "4711", wishes=Wishes(first=True)).report

    assert _causes(report.found) == ["app.disk-full"]
    assert _causes(report.explained) == ["app.write-failed"]
    assert report.unknown == ()


def test_now_is_the_time_of_collection() -> None:
    reading = small.reading(now=datetime(2026, 3, 1))  # noqa: DTZ001  facts are without a zone

    assert reading.facts.now == datetime(2026, 3, 1)  # noqa: DTZ001  as above


OTHER = """
[component]
id = "other"
title = "Something else"
family = "ours"

[cause."other.broken"]
code = "HF-OT001"
title = "Something else is broken"
why = "w"
found = "f"
severity = "critical"
probes = ["app.log"]
check = { event = ["app.write-failed"] }
remedies = ["app.look"]

[symptom."other.asked"]
title = "s"
match = { code = ["888888"] }
causes = ["other.broken"]
"""


def test_fault_of_another_product_is_not_the_root_of_what_was_asked() -> None:
    catalogue = assemble([("app.toml", small.TOML), ("other.toml", OTHER)])

    asked = diagnose(catalogue, small.reading(FULL), asked=["app.job-failed"])
    not_asked = diagnose(catalogue, small.reading(FULL))

    assert [(one.cause, one.related) for one in asked.found] == [
        ("app.disk-full", True),
        ("other.broken", False),
    ]
    assert all(one.related for one in not_asked.found)


def test_cause_behind_one_that_is_asked_for_is_related() -> None:
    explains = OTHER.replace(
        'severity = "critical"', 'severity = "warning"\nexplains = ["app.write-failed"]'
    )
    catalogue = assemble([("app.toml", small.TOML), ("other.toml", explains)])
    log = "2026-03-01 10:00:06 ERROR write failed\n"

    report = diagnose(catalogue, small.reading(log), asked=["app.outer"])

    assert [(one.cause, one.related) for one in report.found] == [("other.broken", True)]
