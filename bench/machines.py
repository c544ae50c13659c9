"""`./run bench machines`: points of virtual machines, and what they cost the guest."""

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import machines_report
from bench.aside import aside
from bench.contenders import Contender, Holdfast
from bench.machines_contenders import contenders
from bench.machines_guest import GuestRounds
from bench.machines_image import ImageRounds, image_below
from bench.measure import CommandFailed
from bench.proof import RestoreDiffers
from bench.questions import Sample, answers
from bench.questions_report import Run, publish

_HERE = Path(__file__).parent.parent
PARTS = ("image", "guest")
_QUIET = 0.5
_ENOUGH = 3


def add_options(parser: argparse.ArgumentParser) -> None:
    option = parser.add_argument
    option("--only", choices=PARTS, action="append", help="a part; may be given again")
    option("--scale", type=float, default=1.0, help="1: an image of 4 GiB")
    option("--rounds", type=int, default=3, help="runs of each; medians are shown")
    option("--holdfast", default=str(Path(sys.executable).parent / "holdfast"), metavar="COMMAND")
    option("--data", type=Path, default=_HERE / ".work" / "bench", help="kept between runs")
    option("--json", type=Path, metavar="FILE", help="write every single measurement")
    option("--write-docs", action="store_true", help="write its section of docs/benchmarks.md")


def run(wanted: argparse.Namespace) -> int:
    everyone = contenders(wanted.holdfast)
    parts, samples = wanted.only or list(PARTS), list[Sample]()
    scratch = wanted.data.resolve() / f"machines-{os.getpid()}"
    scratch.mkdir(parents=True)
    load = os.getloadavg()[0]
    is_complete = False
    try:
        if "image" in parts:
            _image(wanted, scratch, everyone, samples)
        if "guest" in parts:
            _guest(wanted, scratch, samples)
        is_complete = set(parts) == set(PARTS)
    except (CommandFailed, RestoreDiffers) as err:
        _say(str(err))
        return 1
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        _publish(wanted, everyone, samples, load=load, is_complete=is_complete)
    return 0


def _image(
    wanted: argparse.Namespace,
    scratch: Path,
    everyone: Sequence[Contender],
    samples: list[Sample],
) -> None:
    _say("the image: preparing data")
    folder = aside(_prepare, wanted.data.resolve() / "data-machines", wanted.scale)
    rounds = ImageRounds(
        scratch=scratch,
        image=image_below(folder),
        contenders=everyone,
        # Whose figures are only shown; the time is better spent on those with a target.
        once=machines_report.only_shown(one.name for one in everyone),
        say=_say,
        samples=samples,
    )
    for turn in range(wanted.rounds):
        rounds.round(turn)


def _guest(wanted: argparse.Namespace, scratch: Path, samples: list[Sample]) -> None:
    from holdfast.testing.guest_image import GuestUnavailable
    from holdfast.testing.hosts import HostUnavailable

    ours = Holdfast(wanted.holdfast)
    try:
        GuestRounds(holdfast=ours, scratch=scratch, say=_say, samples=samples).run(wanted.rounds)
    except (GuestUnavailable, HostUnavailable) as err:
        _say(f"no guest can be had here, and so it is left out: {err}")


def _publish(
    wanted: argparse.Namespace,
    everyone: Sequence[Contender],
    samples: Sequence[Sample],
    *,
    load: float,
    is_complete: bool,
) -> None:
    options = {
        "scale": f"{wanted.scale:g}",
        "rounds": str(wanted.rounds),
        # Before the first run it is the others' alone.
        "load before": f"{load:.1f}",
    }
    run = Run(
        contenders=_distinct(everyone),
        options=options,
        doubts=doubts(scale=wanted.scale, rounds=wanted.rounds, load=load),
        is_complete=is_complete,
    )
    found = answers(machines_report.QUESTIONS, samples)
    publish(wanted, machines_report.CHAPTER, found, samples, run=run)


def _distinct(everyone: Sequence[Contender]) -> list[Contender]:
    """One of those that are the same programs with other options."""
    return list({one.version(): one for one in everyone}.values())


def _prepare(folder: Path, scale: float) -> Path:
    # Imported in the child: numpy here would count as memory of everyone measured.
    from bench import datasets

    return datasets.prepare(folder, "image", scale)


def doubts(*, scale: float, rounds: int, load: float) -> list[str]:
    """Why the verdicts may not be worth much."""
    found = []
    if load > _QUIET:
        found.append(f"The machine was busy before (load {load:.1f}): measure again in quiet.")
    if scale < 1:
        found.append("The targets are those of scale 1; below it, starting weighs more.")
    if rounds < _ENOUGH:
        found.append(f"A median wants {_ENOUGH} rounds or more.")
    return found


def _say(what: str) -> None:
    print(f"bench: {what}", file=sys.stderr, flush=True)
