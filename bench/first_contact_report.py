"""What newcomers waited for, as lines for people and as a section of docs/benchmarks.md."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench import tables
from bench.machine import Machine
from bench.page import FIRST_CONTACT

_KINDS = ("packages", "wheels", "work")
_HOW = """\
A root of its own with what debootstrap makes of Debian 12, git, ca-certificates and Python, and in it the README's lines, typed one after the other; `./run test` is left out. What is fetched counts, from wherever this machine fetches: Debian's *packages*, with their installation, and the *wheels* of the locks, with the environments that are made of them. *Work* is all else: what Holdfast does, and the building of its package.
The two hosts are namespaces of this machine, with its libvirt and QEMU and one emulated virtual machine that runs before the clock does, on which nothing of ours is installed; `scp` is a copy. Targets are for all of it: 180 s to something proven, 600 s to the drill.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """From a clone to something; its parts in seconds. Not each has a target."""

    what: str
    parts: Mapping[str, float]
    target: float | None = None

    @property
    def seconds(self) -> float:
        return sum(self.parts.values())

    @property
    def is_met(self) -> bool:
        return self.target is None or self.seconds <= self.target


def text(ways: Sequence[Way]) -> str:
    return tables.columns(_table(ways))


def section(ways: Sequence[Way], machine: Machine, options: dict[str, str]) -> str:
    origin = "Written by `./run bench first-contact --write-docs`."
    facts = tables.facts(machine, options)
    return "\n\n".join([FIRST_CONTACT, origin, facts, tables.markdown(_table(ways)), _HOW])


def _table(ways: Sequence[Way]) -> tables.Rows:
    head = ["what", *(f"{kind} s" for kind in _KINDS), "all s", "target", "met"]
    return [head, *(_row(way) for way in ways)]


def _row(way: Way) -> list[str]:
    shares = [f"{way.parts.get(kind, 0):.1f}" for kind in _KINDS]
    target = "" if way.target is None else f"<= {way.target:.0f} s"
    met = "" if way.target is None else ("yes" if way.is_met else "NO")
    return [way.what, *shares, f"{way.seconds:.1f}", target, met]
