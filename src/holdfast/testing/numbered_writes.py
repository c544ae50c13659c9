"""A still machine that is written to on and on, and the proof of what an image of it holds.

Write n goes to one of the disks; then its number is put on the first one, and only then comes
write n + 1. So at any instant the first disk names the newest write that is whole, on every disk,
and but for the next one, which may have begun, nothing else is there. An image is exact or it is
not: every byte of it is known.
"""

import contextlib
import itertools
import random
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from holdfast.testing.still_machine import StillMachine

# The first block of the first disk has the number, over and over.
_NUMBER = 4096
_WORD = 8
_LONGEST = 48
_PAUSE = 0.3


class NotAnInstant(AssertionError):
    """The disks hold what was never there together."""


class NumberedWrite(NamedTuple):
    target: str
    at: int
    content: bytes


@dataclass(slots=True)
class NumberedWrites:
    """Those of one machine so far; write n is the n-th of them."""

    machine: StillMachine
    seed: int = 0
    writes: list[NumberedWrite] = field(default_factory=list)

    @property
    def targets(self) -> Sequence[str]:
        return tuple(self.machine.sizes)

    def write(self) -> None:
        """One more, whole."""
        chosen = random.Random(f"{self.seed}:{len(self.writes)}")  # noqa: S311  it need not be secret
        target = chosen.choice(self.targets)
        blocks = self.machine.sizes[target] // _NUMBER
        length = chosen.randint(1, _LONGEST)
        at = chosen.randint(1, blocks - length) * _NUMBER
        # Now and then it compresses well.
        content = chosen.randbytes(_NUMBER) * length
        self.writes.append(NumberedWrite(target, at, content))
        self.machine.write(target, at, content)
        self.machine.write(self.targets[0], 0, _number(len(self.writes)))

    @contextlib.contextmanager
    def going_on(self) -> Iterator[None]:
        """In a thread of its own, until the block ends."""
        stop = threading.Event()
        failed: list[BaseException] = []

        def run() -> None:
            try:
                while not stop.wait(_PAUSE):
                    self.write()
            except BaseException as err:
                failed.append(err)

        thread = threading.Thread(target=run, name="numbered writes")
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            if failed:
                raise failed[0]

    def prove(self, images: Mapping[str, bytes]) -> int:
        """The number of the write up to which they hold everything, and nothing later."""
        number = _read_number(images[self.targets[0]])
        expected = {target: bytearray(size) for target, size in self.machine.sizes.items()}
        for write in itertools.islice(self.writes, number):
            _put(expected, write)
        expected[self.targets[0]][:_NUMBER] = images[self.targets[0]][:_NUMBER]
        begun = self.writes[number] if number < len(self.writes) else None
        for target, content in expected.items():
            _compare(target, content, images[target], begun)
        return number


def _number(value: int) -> bytes:
    return value.to_bytes(_WORD, "little") * (_NUMBER // _WORD)


def _read_number(image: bytes) -> int:
    block = image[:_NUMBER]
    value = int.from_bytes(block[:_WORD], "little")
    if block != _number(value):
        raise NotAnInstant("the block with the number is torn")
    return value


def _put(disks: dict[str, bytearray], write: NumberedWrite) -> None:
    disks[write.target][write.at : write.at + len(write.content)] = write.content


def _compare(target: str, expected: bytearray, found: bytes, begun: NumberedWrite | None) -> None:
    """`begun` may be there in part, block by block."""
    if len(expected) != len(found):
        raise NotAnInstant(f"{target} has {len(found)} bytes instead of {len(expected)}")
    if expected == found:
        return
    for at in range(0, len(found), _NUMBER):
        block = found[at : at + _NUMBER]
        if block != expected[at : at + _NUMBER] and not _has_begun(target, at, block, begun):
            raise NotAnInstant(f"{target} differs at {at}")


def _has_begun(target: str, at: int, block: bytes, begun: NumberedWrite | None) -> bool:
    if begun is None or begun.target != target:
        return False
    offset = at - begun.at
    return 0 <= offset < len(begun.content) and block == begun.content[offset : offset + _NUMBER]
