"""A machine that came home: what lies above its original images is folded into them.

It runs on meanwhile. Afterwards each disk is its original image again, at its path, and nothing of
the replica is needed any more. Whatever is killed, the machine reads what it wrote: what is above
stays as it is until the image below has all of it. The same call goes on.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from holdfast.base.clock import Clock
from holdfast.hypervisor.domains import Domain


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """`checkpoint` is the record of its changes since it came home; empty where it was lost."""

    disks: Mapping[str, str] = field(default_factory=dict)
    checkpoint: str = ""
    folded_bytes: int = 0


def settle(
    domain: Domain,
    clock: Clock,
    *,
    originals: Mapping[str, str],
    checkpoint: str = "",
    on_step: Callable[[str], None] = lambda _step: None,
) -> Settled:
    """`originals` are the paths of the images at the bottom, by disk; on or off, it may be either.

    The points of the replica must have gone before: they stand upon the images that are written.
    """
    raise NotImplementedError


def is_settled(domain: Domain, originals: Mapping[str, str]) -> bool:
    raise NotImplementedError
