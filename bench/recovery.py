"""`./run bench recovery`: how long until a machine is up at the other site, and home again."""

import argparse
import os
import sys
from pathlib import Path

from bench import machines, recovery_report
from bench.contenders import Holdfast
from bench.questions import Sample, answers
from bench.questions_report import Run, publish

_HERE = Path(__file__).parent.parent


def add_options(parser: argparse.ArgumentParser) -> None:
    option = parser.add_argument
    option("--rounds", type=int, default=3, help="runs of each; medians are shown")
    option("--holdfast", default=str(Path(sys.executable).parent / "holdfast"), metavar="COMMAND")
    option("--data", type=Path, default=_HERE / ".work" / "bench", help="kept between runs")
    option("--json", type=Path, metavar="FILE", help="write every single measurement")
    option("--write-docs", action="store_true", help="write its section of docs/benchmarks.md")


def run(wanted: argparse.Namespace) -> int:
    from bench.recovery_rounds import RecoveryRounds

    samples = list[Sample]()
    load = os.getloadavg()[0]
    is_complete = False
    wanted.data.mkdir(parents=True, exist_ok=True)
    try:
        RecoveryRounds(say=_say, samples=samples).run(wanted.rounds)
        is_complete = True
    finally:
        publish(
            wanted,
            recovery_report.CHAPTER,
            answers(recovery_report.QUESTIONS, samples),
            samples,
            run=Run(
                contenders=[Holdfast(wanted.holdfast)],
                options={"rounds": str(wanted.rounds), "load before": f"{load:.1f}"},
                doubts=machines.doubts(scale=1, rounds=wanted.rounds, load=load),
                is_complete=is_complete,
            ),
        )
    return 0


def _say(what: str) -> None:
    print(f"bench: {what}", file=sys.stderr, flush=True)
