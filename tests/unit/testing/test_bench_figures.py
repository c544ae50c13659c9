"""Medians, ratios, verdicts and the tables made of them."""

import json

import pytest

from bench import report
from bench.figures import Row, Sample, rotation, rows
from bench.machine import Machine

MACHINE = Machine(
    date="2026-01-01 12:00 UTC",
    processor="2 cores",
    memory="24 GiB",
    kernel="Linux 6",
    file_system="ext4",
    python="3.11",
    versions="restic 1; holdfast 2",
)
OPTIONS = {"scale": "1", "rounds": "3"}


def sample(contender: str, seconds: float, **more: object) -> Sample:
    fields: dict[str, object] = {"work": "first", "tree": "mixed", "round": 0}
    fields |= {"peak_bytes": 100_000_000, "vault_bytes": 5_000_000} | more
    return Sample(contender=contender, seconds=seconds, **fields)  # type: ignore[arg-type]  # a test's shorthand


def only_row(*samples: Sample) -> Row:
    (row,) = rows(samples)
    return row


def test_ratio_is_of_medians_and_to_the_faster_peer() -> None:
    ours = [sample("holdfast", seconds) for seconds in (9.0, 2.0, 1.0)]
    peers = [sample("restic", 10.0), sample("borg", 8.0)]

    row = only_row(*ours, *peers)

    assert row.ratio == 2.0 / 8.0
    assert row.is_met is True


def test_ratio_above_its_target_is_not_met() -> None:
    row = only_row(sample("holdfast", 4.0), sample("restic", 10.0))

    assert row.ratio == 0.4
    assert row.is_met is False


def test_target_in_seconds_needs_no_peer() -> None:
    image = {"work": "unchanged", "tree": "image"}

    fast = only_row(sample("holdfast", 0.9, **image), sample("borg", 0.2, **image))
    slow = only_row(sample("holdfast", 1.1, **image))

    assert (fast.is_met, slow.is_met) == (True, False)


@pytest.mark.parametrize("names", [["restic", "borg"], ["holdfast"]])
def test_without_both_sides_there_is_no_ratio(names: list[str]) -> None:
    row = only_row(*(sample(name, 1.0) for name in names))

    assert row.ratio is None
    assert row.is_met is None


def test_rows_come_in_the_order_of_works_and_trees() -> None:
    pairs = [("mount", "image"), ("first", "tiny"), ("first", "mixed"), ("restore", "mixed")]

    ordered = [
        (row.work, row.tree)
        for row in rows(sample("restic", 1.0, work=work, tree=tree) for work, tree in pairs)
    ]

    assert ordered == [pairs[2], pairs[1], pairs[3], pairs[0]]


def test_everyone_is_first_once_in_a_full_rotation() -> None:
    names = ["restic", "borg", "holdfast"]

    turns = [rotation(names, turn) for turn in range(4)]

    assert [turn[0] for turn in turns] == ["restic", "borg", "holdfast", "restic"]
    assert all(sorted(turn) == sorted(names) for turn in turns)
    assert rotation([], 5) == []


def test_table_shows_seconds_ratio_target_and_memory() -> None:
    row = only_row(sample("restic", 10.0), sample("holdfast", 3.0, peak_bytes=160_000_000))

    head, line = report.markdown_table([row], ["restic", "holdfast"]).splitlines()[::2]

    assert head.startswith("| work | tree | restic s | holdfast s | ratio | target | met |")
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells == [
        *("first", "mixed", "10.00", "3.00", "0.30", "<= 0.38", "yes"),
        *("100 / 160", "1.60 (> 1.5)", "5 / 5"),
    ]


def test_text_table_marks_what_was_not_measured() -> None:
    table = report.text_table([only_row(sample("restic", 10.0))], ["restic", "borg"])

    assert table.splitlines()[1].split()[:7] == ["first", "mixed", "10.00", "-", "-", "<=", "0.38"]


def test_page_names_machine_date_scale_and_every_work() -> None:
    row = only_row(sample("restic", 10.0), sample("holdfast", 3.0))

    page = report.page([row], ["restic", "holdfast"], machine=MACHINE, options=OPTIONS)

    for fact in ("2026-01-01", "Linux 6", "- scale: 1", "- first: ", "- mixed: ", "| 0.30 |"):
        assert fact in page


def test_json_keeps_every_single_measurement() -> None:
    samples = [sample("restic", 10.0), sample("restic", 12.0), sample("holdfast", 3.0)]

    text = report.as_json(rows(samples), samples, machine=MACHINE, options=OPTIONS)

    whole = json.loads(text)
    assert [one["seconds"] for one in whole["samples"]] == [10.0, 12.0, 3.0]
    assert whole["results"][0]["ratio"] == pytest.approx(3 / 11)
