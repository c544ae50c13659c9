"""Answers to questions, as lines for people and as a section of docs/benchmarks.md."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from bench import report, tables
from bench.contenders import Contender
from bench.machine import Machine, look_around
from bench.page import PAGE, replace_section
from bench.questions import Answer, Measure, Sample, Spread
from holdfast.base.clock import SystemClock

# From here on decimals say nothing.
_LARGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """The section of a benchmark: how it is headed, whence it comes, how it was measured."""

    heading: str
    origin: str
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a benchmark: what it had, and whether a page may be made of it."""

    contenders: Sequence[Contender]
    options: dict[str, str]
    doubts: Sequence[str]
    is_complete: bool


def publish(
    wanted: argparse.Namespace,
    chapter: Chapter,
    found: Sequence[Answer],
    samples: Sequence[Sample],
    *,
    run: Run,
) -> None:
    """Print it; the page is written only from a complete run."""
    if not samples:
        return
    machine = look_around(run.contenders, wanted.data.parent, SystemClock())
    print(text(found))
    for doubt in run.doubts:
        print(doubt)
    if wanted.json:
        report.write(wanted.json, as_json(found, samples, machine=machine, options=run.options))
    if wanted.write_docs and run.is_complete:
        replace_section(PAGE, chapter.heading, section(chapter, found, machine, run.options))


def text(answers: Sequence[Answer]) -> str:
    return tables.columns(_table(answers))


def section(
    chapter: Chapter, answers: Sequence[Answer], machine: Machine, options: dict[str, str]
) -> str:
    facts, table = tables.facts(machine, options), tables.markdown(_table(answers))
    parts = (chapter.heading, chapter.origin, facts, table, chapter.how)
    return "\n\n".join(parts)


def as_json(
    answers: Sequence[Answer],
    samples: Sequence[Sample],
    *,
    machine: Machine,
    options: dict[str, str],
) -> str:
    results = [
        {
            "work": each.question.work,
            "peer": each.question.peer or None,
            "target": each.question.target_text,
            "is_met": each.is_met,
            "ours": each.ours and asdict(each.ours),
            "theirs": each.theirs and asdict(each.theirs),
            "judged": each.judged and asdict(each.judged),
        }
        for each in answers
    ]
    return tables.as_json(results, samples, machine=machine, options=options)


def _table(answers: Sequence[Answer]) -> list[list[str]]:
    head = ["work", "ours", "against", "theirs", "ratio", "target", "met", "peak MB: ours / theirs"]
    return [head, *map(_row, answers)]


def _row(answer: Answer) -> list[str]:
    question = answer.question
    is_ratio = question.measure is not Measure.VALUE
    peaks = [f"{peak / 1e6:.0f}" if peak else "-" for peak in answer.peaks]
    return [
        question.what,
        _shown(answer.ours, question.unit),
        question.peer or "-",
        _shown(answer.theirs, question.unit),
        _shown(answer.judged, question.measure.value) if is_ratio else "-",
        question.target_text,
        answer.verdict,
        " / ".join(peaks) if any(answer.peaks) else "-",
    ]


def _shown(spread: Spread | None, unit: str) -> str:
    if spread is None:
        return "-"
    middle, low, high = map(_number, (spread.middle, spread.low, spread.high))
    return f"{middle} {unit} ({low}-{high})"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= _LARGE else f"{value:.2f}"
