"""`./run bench recovery`: how long until a machine is up at the other site, and home again."""

import argparse

from bench import recovery_report, two_host_run
from bench.questions import Sample


def run(wanted: argparse.Namespace) -> int:
    return two_host_run.run(wanted, recovery_report.CHAPTER, recovery_report.QUESTIONS, _measure)


def _measure(samples: list[Sample], rounds: int) -> None:
    from bench.recovery_rounds import RecoveryRounds

    RecoveryRounds(say=two_host_run.say, samples=samples).run(rounds)
