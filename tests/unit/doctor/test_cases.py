"""Every case of the doctor's case book, and the rules that all of them obey."""

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.doctor.diagnosis import Report
from holdfast.doctor.loading import load
from holdfast.doctor.model import State
from holdfast.testing.doctor_cases import (
    EXPECTED,
    Told,
    artefacts_of,
    cases_in,
    examine,
    lines_of,
    state_of,
    verdicts,
    without,
)

CASES = list(cases_in(Path(__file__).parents[2] / "cases" / "doctor"))


@pytest.mark.parametrize("told", CASES, ids=str)
def test_the_case_ends_as_it_should_on_lines_that_are_there(told: Told) -> None:
    report = examine(load(), told)

    case = told.case
    assert not report.crashes
    if case.kind in EXPECTED:
        assert state_of(report, told.cause) is EXPECTED[case.kind], verdicts(report).get(told.cause)
    if case.root == "none":
        assert [one.cause for one in report.found if one.severity > 0] == []
    elif case.root:
        assert report.root is not None
        assert report.root.cause == case.root, [one.cause for one in report.found]
    for name in case.confirmed:
        assert state_of(report, name) is State.CONFIRMED, name
    for name in case.ruled_out:
        assert state_of(report, name) is State.RULED_OUT, name
    for name in case.forbidden:
        assert state_of(report, name) is not State.CONFIRMED, name
    if case.values:
        shown = {key: str(value) for key, value in verdicts(report)[told.cause].values.items()}
        assert case.values.items() <= shown.items()
    _require_true_excerpts(report, told)


def _require_true_excerpts(report: Report, told: Told) -> None:
    """Each is what stands in the lines it names."""
    lines = {one.name: lines_of(one) for one in artefacts_of(told)}
    for verdict in verdicts(report).values():
        for span in verdict.evidence:
            there = "\n".join(lines[span.artefact][span.first - 1 : span.last])
            assert there.strip().startswith(span.excerpt.strip()), span.place


@pytest.mark.parametrize("told", [t for t in CASES if t.case.kind == "positive"], ids=str)
def test_without_its_evidence_the_cause_is_no_longer_confirmed(told: Told) -> None:
    before = examine(load(), told)

    evidence = verdicts(before)[told.cause].evidence
    report = examine(load(), told, without(artefacts_of(told), evidence))

    assert state_of(report, told.cause) is not State.CONFIRMED


@pytest.mark.parametrize("told", [t for t in CASES if t.case.kind == "negative"], ids=str)
def test_a_file_that_may_be_cut_never_denies_by_absence(told: Told) -> None:
    """Every denial stands on lines that say so; a log's mere ends prove nothing here."""
    left = [replace(one, whole=False) for one in artefacts_of(told)]

    verdict = verdicts(examine(load(), told, left)).get(told.cause)
    for _ in range(50):  # more than one line may prove the same
        if verdict is None or verdict.state is not State.RULED_OUT:
            break
        left = without(left, verdict.evidence)
        verdict = verdicts(examine(load(), told, left)).get(told.cause)

    assert verdict is None or verdict.state is not State.RULED_OUT


def test_every_cause_has_a_positive_a_negative_and_a_missing_case() -> None:
    kinds: dict[str, set[str]] = defaultdict(set)
    for told in CASES:
        kinds[told.cause].add(told.case.kind)

    gaps = {
        name: sorted({"positive", "negative", "missing"} - kinds[name])
        for name in load().causes
        if {"positive", "negative", "missing"} - kinds[name]
    }

    assert gaps == {}
