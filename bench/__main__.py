"""`python -m bench files`, or server, console, machines, replication, recovery, first-contact: measure, print the ratios, write the page."""

import argparse
import os
import sys
from collections.abc import Callable, Collection
from pathlib import Path

from bench import (
    console,
    first_contact,
    machines,
    recovery,
    replication,
    report,
    server,
    two_host_run,
)
from bench.contenders import PEERS, Contender, Holdfast
from bench.figures import TREES, WORKS, rows
from bench.machine import look_around
from bench.measure import CommandFailed
from bench.page import PAGE, replace_above
from bench.proof import RestoreDiffers
from bench.session import Session, Wishes
from holdfast.base.clock import SystemClock

# What has a section of its own; the page's head belongs to files.
_RUNS = {
    "server": server.run,
    "console": console.run,
    "machines": machines.run,
    "replication": replication.run,
    "recovery": recovery.run,
    "first-contact": first_contact.run,
}
_HERE = Path(__file__).parent.parent
_DEFAULT_SCALE = 0.3
_DEFAULT_ROUNDS = 3


def main() -> int:
    wanted = _parser().parse_args()
    if (run := _RUNS.get(wanted.what)) is not None:
        return run(wanted)
    contenders = _contenders(wanted)
    wishes = Wishes(
        scale=wanted.scale,
        rounds=wanted.rounds,
        works=wanted.only,
        trees=wanted.trees,
        data=wanted.data.resolve() / "data",
        scratch=wanted.data.resolve() / f"run-{os.getpid()}",
    )
    wishes.scratch.mkdir(parents=True)
    session = Session(wishes, contenders, say=lambda line: print(line, file=sys.stderr, flush=True))
    try:
        session.run()
    except (CommandFailed, RestoreDiffers) as err:
        print(f"bench: {err}", file=sys.stderr)
    _publish(session, wanted)
    return 0 if session.is_complete else 1


def _publish(session: Session, wanted: argparse.Namespace) -> None:
    """Print what was measured; the page is written only from a complete run."""
    results = rows(session.samples)
    names = [contender.name for contender in session.contenders]
    machine = look_around(session.contenders, wanted.data.parent, SystemClock())
    options = {"scale": f"{wanted.scale:g}", "rounds": str(wanted.rounds)}
    print(report.text_table(results, names))
    if wanted.json:
        text = report.as_json(results, session.samples, machine=machine, options=options)
        report.write(wanted.json, text)
    if wanted.write_docs and session.is_complete:
        page = report.page(results, names, machine=machine, options=options)
        replace_above(PAGE, page)


def _contenders(wanted: argparse.Namespace) -> list[Contender]:
    peers = [PEERS[name]() for name in wanted.peers]
    return peers if wanted.without_us else [*peers, Holdfast(wanted.holdfast)]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    kinds = parser.add_subparsers(required=True, dest="what")
    server.add_options(kinds.add_parser("server", help="the API, the gateway, many agents"))
    console.add_options(kinds.add_parser("console", help="the first page, many who have it open"))
    machines.add_options(kinds.add_parser("machines", help="disks of virtual machines, guests"))
    two_host_run.add_options(kinds.add_parser("replication", help="cycles to a second site"))
    two_host_run.add_options(
        kinds.add_parser("recovery", help="to the second site, and home again")
    )
    first_contact.add_options(kinds.add_parser("first-contact", help="what newcomers wait for"))
    files = kinds.add_parser("files", help="files and images")
    option = files.add_argument
    option("--scale", type=float, default=_DEFAULT_SCALE, help="1: 118 k files, 200 k files, 4 GiB")
    option("--rounds", type=int, default=_DEFAULT_ROUNDS, help="runs of each; medians are shown")
    option("--only", type=_some_of(WORKS), default=list(WORKS), help=",".join(WORKS))
    option("--trees", type=_some_of(TREES), default=list(TREES), help=",".join(TREES))
    option("--peers", type=_some_of(PEERS), default=list(PEERS), help=",".join(PEERS))
    option("--without-us", action="store_true", help="measure the peers alone")
    option("--holdfast", default=str(Path(sys.executable).parent / "holdfast"), metavar="COMMAND")
    option("--data", type=Path, default=_HERE / ".work" / "bench", help="kept between runs")
    option("--json", type=Path, metavar="FILE", help="write every single measurement")
    option("--write-docs", action="store_true", help="write docs/benchmarks.md")
    return parser


def _some_of(choices: Collection[str]) -> Callable[[str], list[str]]:
    """Parse a comma-separated choice; the order is that of the choices."""

    def parse(text: str) -> list[str]:
        wanted = text.split(",")
        unknown = sorted(set(wanted) - set(choices))
        if unknown:
            raise argparse.ArgumentTypeError(f"not one of {','.join(choices)}: {unknown}")
        return [choice for choice in choices if choice in wanted]

    return parse


if __name__ == "__main__":
    sys.exit(main())
