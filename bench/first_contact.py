"""`./run bench first-contact`: what a newcomer waits for who does what the README says.

On a bare Debian, from `git clone` to a restore that is proven; then at two hosts on which nothing
of ours is installed, from `git clone` to a drill that has passed. What is fetched counts.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from bench import bare_root, first_contact_report
from bench.first_contact_report import Way
from bench.first_hosts import to_a_passed_drill
from bench.first_steps import Newcomer, package_steps, session_steps
from bench.machine import look_around
from bench.page import FIRST_CONTACT, PAGE, replace_section
from bench.server import say
from holdfast.base.clock import SystemClock

_HERE = Path(__file__).parent.parent
PARTS = ("alone", "hosts")
_PROVEN = "items came back the same"


class _Holdfast:
    name = "holdfast"

    def version(self) -> str:
        return f"holdfast {version('holdfast')}"


def add_options(parser: argparse.ArgumentParser) -> None:
    option = parser.add_argument
    option("--only", choices=PARTS, action="append", help="a part; may be given again")
    option("--fresh", action="store_true", help="fetch the bare system again")
    option("--data", type=Path, default=_HERE / ".work" / "bare", help="where the machines lie")
    option("--write-docs", action="store_true", help="write its section of docs/benchmarks.md")


def run(wanted: argparse.Namespace) -> int:
    if os.geteuid() != 0:
        say("only root can make a bare machine")
        return 2
    # Whatever ends it, what was mounted and begun ends with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    parts = wanted.only or list(PARTS)
    folder = wanted.data.resolve()
    say("a bare Debian")
    bare_root.system(folder, fresh=wanted.fresh)
    ways: list[Way] = []
    with tempfile.TemporaryDirectory(prefix="run-", dir=folder) as place:
        origin = _origin(Path(place))
        if "alone" in parts:
            ways += _alone(folder, origin)
        if "hosts" in parts:
            ways.append(_hosts(folder, origin, Path(place)))
    print(first_contact_report.text(ways))
    if wanted.write_docs and set(parts) == set(PARTS):
        machine = look_around([_Holdfast()], folder, SystemClock())
        options = {"load": " ".join(f"{load:.1f}" for load in os.getloadavg())}
        section = first_contact_report.section(ways, machine, options)
        replace_section(PAGE, FIRST_CONTACT, section)
    return 0 if all(way.is_met for way in ways) else 1


def _origin(folder: Path) -> Path:
    """What is committed, as somebody else clones it."""
    place = folder / "origin.git"
    words = ["git", "clone", "--quiet", "--bare", "--no-local", str(_HERE), str(place)]
    subprocess.run(words, check=True)
    return place


def _alone(folder: Path, origin: Path) -> list[Way]:
    with bare_root.bare_machine(folder, origin) as root, Newcomer(root) as newcomer:
        newcomer.clone()
        say("./run demo")
        newcomer.type("./run demo")
        proven, shown = newcomer.until(_PROVEN), newcomer.so_far()
        say("the package, and the README's session")
        newcomer.play(package_steps())
        newcomer.play(session_steps())
        session = newcomer.so_far()
    return [
        Way(what="clone to the demo's first proven restore", parts=proven, target=180),
        Way(what="clone to the end of the demo", parts=shown),
        Way(what="and the package, and the session to its proven restore", parts=session),
    ]


def _hosts(folder: Path, origin: Path, place: Path) -> Way:
    with bare_root.bare_machine(folder, origin) as root, Newcomer(root) as newcomer:
        newcomer.clone()
        say("./run package")
        newcomer.type("./run package")
        (built,) = root.path("/root/holdfast/dist").glob("holdfast_*.deb")
        package = place / built.name
        package.write_bytes(built.read_bytes())
        parts = newcomer.so_far()
    say("two hosts")
    for name, seconds in to_a_passed_drill(package).items():
        parts[name] = parts.get(name, 0.0) + seconds
    return Way(what="two hosts, clone to the first passed drill", parts=parts, target=600)
