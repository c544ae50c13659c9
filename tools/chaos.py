"""Minutes of chaos in a fleet of real processes; the end says whether every invariant holds."""

import argparse
import secrets
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import mkdtemp

from holdfast.testing.chaos import Outcome, run_chaos
from holdfast.testing.postgres import running_postgres

_LARGEST_SEED = 1_000_000


def main() -> int:
    asked = _read_arguments()
    folder = Path(mkdtemp(prefix="holdfast-chaos-"))
    print(f"seed {asked.seed}, {asked.minutes:g} minutes", flush=True)
    try:
        with running_postgres() as postgres:
            outcome = run_chaos(
                folder, postgres, seconds=asked.minutes * 60, seed=asked.seed, say=_say
            )
    except BaseException:
        print(f"what the processes said lies in {folder}", file=sys.stderr)
        raise
    _tell(outcome)
    if outcome.wrong:
        print(f"what the processes said lies in {folder}")
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    return 0


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(_LARGEST_SEED))
    return parser.parse_args()


def _say(line: str) -> None:
    print(line, flush=True)


def _tell(outcome: Outcome) -> None:
    for name in outcome.unavailable:
        print(f"not tried, for want of rights: {name}")
    _table("faults", outcome.faults)
    _table("jobs", outcome.jobs)
    _table("errors of jobs", outcome.errors)
    print(f"\n{outcome.points} points, {outcome.orders} orders of a person")
    print(f"at rest {outcome.rest_after:.0f} s after the last fault was mended")
    for name, found in outcome.proofs.items():
        print(f"  {'ok' if not found else 'NO'}  {name.replace('_', ' ')}")
        for one in found[:20]:
            print(f"        {one}")
    if outcome.wrong:
        print(f"\n{len(outcome.wrong)} things are wrong (seed {outcome.seed})")
    else:
        print("\nall invariants hold")


def _table(title: str, counts: Mapping[str, int]) -> None:
    print(f"\n{title}: {sum(counts.values())}")
    for name, count in sorted(counts.items()):
        print(f"  {count:5}  {name}")


if __name__ == "__main__":
    sys.exit(main())
