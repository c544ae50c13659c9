"""`./run bench replication`: how far behind a second site is, and what following costs."""

import argparse

from bench import replication_report, two_host_run
from bench.questions import Sample


def run(wanted: argparse.Namespace) -> int:
    return two_host_run.run(
        wanted, replication_report.CHAPTER, replication_report.QUESTIONS, _measure
    )


def _measure(samples: list[Sample], rounds: int) -> None:
    from bench.replication_pair import ground
    from bench.replication_rounds import ReplicationRounds

    with ground() as here:
        ReplicationRounds(ground=here, say=two_host_run.say, samples=samples).run(rounds)
