"""The images a disk consists of where each of its points begins a new one; decides, looks at nothing.

A chain is told from the top: first what the machine writes to. Ours have the name of the image
that lies below them all, followed by a name that was never used before; the point that was taken
at the instant one was put on top goes by the same name. So what lies in that image, and in those
above it, is what has changed since that point, and it is in files: nothing of it is lost with QEMU.

Without us everything in ours would have been written into the next image below that is not ours.
"""

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import pairwise

from holdfast.disks.image_facts import Link

_OURS = re.compile(r".+\.(holdfast-[0-9a-f]{16})", re.DOTALL)

Chain = Sequence[Link]


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """What lies above `base`, up to `top`, belongs into it; `files` need not be there then."""

    base: Link
    top: Link
    files: tuple[str, ...]


def layer_path(disk: str, generation: str) -> str:
    """Where the image for a disk lies whose own image is `disk`."""
    return f"{disk}.{generation}"


def generation_of(path: str) -> str:
    """Empty for an image that is not ours."""
    found = _OURS.fullmatch(path)
    return found[1] if found else ""


def has_layers(chain: Chain) -> bool:
    return any(generation_of(link.path) for link in chain)


def below_ours(chain: Chain) -> Link:
    """The image the machine would write to without us."""
    return next((link for link in chain if not generation_of(link.path)), chain[-1])


def newer_layers(chain: Chain, generation: str) -> int:
    """How many images, from the top, that point has nothing of; 0 if nobody can say."""
    generations = [generation_of(link.path) for link in chain]
    return generations.index(generation) + 1 if generation and generation in generations else 0


def merges(chain: Chain, needed: AbstractSet[str], *, can_cut: bool = True) -> tuple[Merge, ...]:
    """What makes it short again; `needed` are those that points name, which stay.

    What the machine writes to stays too, and whatever is not ours. One that is merged into one
    that stays makes that one say more, and never less.

    Without `can_cut`, one that is smaller than what lies below it stays as well: a merge leaves
    the larger one as large as it is, and what it has beyond would be seen from above again.
    """
    return tuple(_merges(chain, needed, can_cut=can_cut))


def _merges(chain: Chain, needed: AbstractSet[str], *, can_cut: bool) -> Iterator[Merge]:
    base, above = chain[-1], list[Link]()
    for below, link in pairwise(reversed(chain[1:])):
        generation = generation_of(link.path)
        is_cut = link.size < below.size
        if generation and generation not in needed and (can_cut or not is_cut):
            above.append(link)
            continue
        if above:
            yield _merge(base, above)
        base, above = link, []
    if above:
        yield _merge(base, above)


def _merge(base: Link, above: Sequence[Link]) -> Merge:
    return Merge(base=base, top=above[-1], files=tuple(link.path for link in above))
