"""Minutes of replication of three machines that write; the end says whether every point is exact."""

import argparse
import sys
from collections.abc import Iterable

from holdfast.hypervisor.binding import load
from holdfast.testing.hosts import two_hosts
from holdfast.testing.replication_watch import (
    EVERY,
    Followed,
    boot_some,
    come_to_rest,
    follow,
    prove,
    watched,
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="./run follow", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument(
        "--boot", type=int, default=3, help="points of each machine that are booted"
    )
    asked = parser.parse_args()
    # Before any connection: those that are older hear no keep-alives, and break when they rest.
    load()
    with two_hosts() as hosts, watched(*hosts) as watch:
        _say(f"three machines, a cycle each {EVERY} s, for {asked.minutes:g} minutes")
        follow(watch, seconds=asked.minutes * 60, say=_say)
        _say("at rest; proving each point")
        come_to_rest(watch)
        prove(watch)
        _say(f"starting up to {asked.boot} points of each by test failovers")
        boot_some(watch, each_of=asked.boot)
    return _tell(watch.followed.values())


def _tell(followed: Iterable[Followed]) -> int:
    faults = 0
    for each in followed:
        assert each.status is not None
        cycles, missed = each.status.cycles, each.status.missed
        _say(f"{each.name}: {cycles} cycles, {missed} missed")
        _say(f"  {each.points} points proven {each.how}, {each.booted} of them started")
        _say(
            f"  at most {each.worst.total_seconds():.0f} s behind, "
            f"for {each.late} s more than two cycles"
        )
        for line in (*each.wrong, *(f"nobody was told: {one}" for one in each.unwarned)):
            faults += 1
            _say(f"  NO  {line}")
    _say(f"{faults} things are wrong" if faults else "every point is exact, nothing was silent")
    return 1 if faults else 0


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
