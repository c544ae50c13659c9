"""One run of a benchmark on two hosts: measured round by round, printed whatever happens."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import machines
from bench.contenders import Holdfast
from bench.questions import Question, Sample, answers
from bench.questions_report import Chapter, Run, publish

_HERE = Path(__file__).parent.parent
# What is measured so far goes into the list.
Measure = Callable[[list[Sample], int], None]


def add_options(parser: argparse.ArgumentParser) -> None:
    option = parser.add_argument
    option("--rounds", type=int, default=3, help="runs of each; medians are shown")
    option("--holdfast", default=str(Path(sys.executable).parent / "holdfast"), metavar="COMMAND")
    option("--data", type=Path, default=_HERE / ".work" / "bench", help="kept between runs")
    option("--json", type=Path, metavar="FILE", help="write every single measurement")
    option("--write-docs", action="store_true", help="write its section of docs/benchmarks.md")


def run(
    wanted: argparse.Namespace, chapter: Chapter, questions: Sequence[Question], measure: Measure
) -> int:
    samples = list[Sample]()
    load = os.getloadavg()[0]
    is_complete = False
    wanted.data.mkdir(parents=True, exist_ok=True)
    try:
        measure(samples, wanted.rounds)
        is_complete = True
    finally:
        publish(
            wanted,
            chapter,
            answers(questions, samples),
            samples,
            run=Run(
                contenders=[Holdfast(wanted.holdfast)],
                options={"rounds": str(wanted.rounds), "load before": f"{load:.1f}"},
                doubts=machines.doubts(scale=1, rounds=wanted.rounds, load=load),
                is_complete=is_complete,
            ),
        )
    return 0


def say(what: str) -> None:
    print(f"bench: {what}", file=sys.stderr, flush=True)
