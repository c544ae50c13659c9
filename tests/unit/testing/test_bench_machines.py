"""Figures of virtual machines: ratios of runs beside each other, and honest verdicts."""

import json

import pytest

from bench import machines_report, questions_report
from bench.machine import Machine
from bench.machines import doubts
from bench.questions import Answer, Measure, Question, Sample, Spread, answers

SPEED = Question(
    work="full", what="full backup", unit="s", measure=Measure.SPEED, peer="restic", target=2.0
)
SHARE = Question(
    work="full", what="start", unit="s", measure=Measure.SHARE, peer="restic", target=1.5
)
VALUE = Question(work="full", what="freeze", unit="ms", target=250.0)
MACHINE = Machine(
    date="2026-01-01 12:00 UTC",
    processor="2 cores",
    memory="24 GiB",
    kernel="Linux 6",
    file_system="ext4",
    python="3.11",
    versions="restic 1; holdfast 2",
)


def runs(contender: str, *values: float, peak: int = 0) -> list[Sample]:
    return [
        Sample(work="full", contender=contender, round=number, value=value, peak_bytes=peak)
        for number, value in enumerate(values)
    ]


def only_answer(question: Question, *samples: Sample) -> Answer:
    (found,) = answers([question], samples)
    return found


def test_speed_is_judged_round_by_round() -> None:
    # The second round was slow for everybody.
    samples = [*runs("holdfast", 1.0, 10.0, 2.0), *runs("restic", 3.0, 30.0, 2.0)]

    found = only_answer(SPEED, *samples)

    assert found.judged == Spread(middle=3.0, low=1.0, high=3.0)
    assert found.ours == Spread(middle=2.0, low=1.0, high=10.0)
    assert found.is_met is True
    assert found.verdict == "yes (2 of 3 rounds)"


@pytest.mark.parametrize(("ours", "met"), [(1.5, True), (1.6, False)])
def test_a_share_must_not_be_more_than_its_target(ours: float, met: bool) -> None:
    found = only_answer(SHARE, *runs("holdfast", ours), *runs("restic", 1.0))

    assert found.is_met is met
    assert found.verdict == ("yes" if met else "NO")


def test_a_value_needs_no_peer() -> None:
    found = only_answer(VALUE, *runs("holdfast", 300.0, 400.0, 100.0))

    assert found.verdict == "NO (2 of 3 rounds)"


def test_what_one_side_did_not_do_is_shown_and_not_judged() -> None:
    found = only_answer(SPEED, *runs("restic", 1.0))

    assert (found.ours, found.judged, found.verdict) == (None, None, "-")
    assert answers([SPEED], []) == []


def test_each_question_is_asked_once() -> None:
    asked = [(each.work, each.peer) for each in machines_report.QUESTIONS]

    assert len(asked) == len(set(asked))


def test_a_line_shows_medians_spreads_target_and_memory() -> None:
    samples = [*runs("holdfast", 2.0, 4.0, peak=160_000_000), *runs("restic", 8.0, 9.0, peak=10**8)]

    head, line = questions_report.text([only_answer(SPEED, *samples)]).splitlines()

    assert head.split()[:3] == ["work", "ours", "against"]
    for part in (
        "3.00 s (2.00-4.00)",
        "8.50 s (8.00-9.00)",
        "3.12 x speed (2.25-4.00)",
        ">= 2 x speed",
        "yes",
        "160 / 100",
    ):
        assert part in line


def test_a_section_names_the_machine_and_keeps_its_cells_apart() -> None:
    piped = Question(
        work="full", what="full", unit="s", measure=Measure.SPEED, peer="nbdcopy | zstd -1"
    )
    samples = [*runs("holdfast", 2.0), *runs("nbdcopy | zstd -1", 1.0)]

    section = questions_report.section(
        machines_report.CHAPTER,
        [only_answer(piped, *samples)],
        MACHINE,
        {"scale": "1", "rounds": "3"},
    )

    assert section.startswith("## Virtual machines\n")
    assert "- scale: 1\n" in section
    assert "| nbdcopy \\| zstd -1 |" in section


def test_json_keeps_every_single_measurement() -> None:
    samples = [*runs("holdfast", 2.0, 3.0), *runs("restic", 6.0, 6.0)]

    text = questions_report.as_json(
        answers([SPEED], samples), samples, machine=MACHINE, options={"scale": "1"}
    )

    whole = json.loads(text)
    assert [one["value"] for one in whole["samples"]] == [2.0, 3.0, 6.0, 6.0]
    assert whole["results"][0]["judged"]["middle"] == 2.5


def test_a_busy_machine_few_rounds_and_a_small_image_are_told() -> None:
    assert doubts(scale=1.0, rounds=3, load=0.1) == []
    assert len(doubts(scale=0.1, rounds=1, load=5.0)) == 3


def test_who_has_no_target_is_only_shown() -> None:
    names = ["holdfast", "restic", "nbdcopy | zstd -1", "borg", "qemu-img convert"]

    shown = machines_report.only_shown(names)

    assert shown == {"borg", "qemu-img convert"}
