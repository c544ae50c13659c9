"""`./run bench replication`: how far behind a second site is, and what following costs."""

import argparse
import os
import sys
from pathlib import Path

from bench import machines, replication_report
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
    from bench.replication_pair import ground
    from bench.replication_rounds import ReplicationRounds

    samples = list[Sample]()
    load = os.getloadavg()[0]
    is_complete = False
    wanted.data.mkdir(parents=True, exist_ok=True)
    try:
        with ground() as here:
            ReplicationRounds(ground=here, say=_say, samples=samples).run(wanted.rounds)
        is_complete = True
    finally:
        publish(
            wanted,
            replication_report.CHAPTER,
            answers(replication_report.QUESTIONS, samples),
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
