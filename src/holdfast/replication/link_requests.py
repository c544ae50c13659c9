"""What can be asked over the link: each request as it is sent, and what a Receiver does for it.

What comes here was sent by another host. Its certificate is good, and still every field is held
against a pattern: names of machines and disks become names of files.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, ClassVar

import msgspec

from holdfast.base.units import KIB, MIB
from holdfast.replication.adoption import GRAIN, MOST_BYTES, AdoptWish, LookWish
from holdfast.replication.link_refusals import refusal_of
from holdfast.replication.receiver import Receiver, ReplicaWish, SeedWish
from holdfast.replication.site_orders import SourceTidings

Vm = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
_TARGET = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}\Z"
Target = Annotated[str, msgspec.Meta(pattern=_TARGET)]
Generation = Annotated[str, msgspec.Meta(pattern=r"^holdfast-[0-9a-f]{16}\Z")]
Who = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Size = Annotated[int, msgspec.Meta(ge=0, le=1 << 62)]
Chunk = Annotated[int, msgspec.Meta(ge=64 * KIB, le=64 * MIB, multiple_of=4 * KIB)]
# Of one source: their answers are long, and have to wait somewhere.
HASHES_AT_ONCE = 8
# An answer has to fit into a frame.
MOST_HASHES = 32 * KIB
# What is told of a machine is kept at the site.
_LONGEST_NAME, _MOST_FACTS = 200, 32


class Effort(Enum):
    """How long it may take, so that what is slow does not keep what is quick waiting."""

    QUICK = "quick"
    HEAVY = "heavy"
    # Hours.
    LONG = "long"


def _require_targets(names: Iterable[str]) -> None:
    for name in names:
        if not re.match(_TARGET, name, re.ASCII):
            raise ValueError(f"{name!r} is no name of a disk")


class Request(msgspec.Struct, frozen=True, kw_only=True):
    verb: ClassVar[str]
    effort: ClassVar[Effort] = Effort.QUICK
    # Of those that only tell; the others write a replica, or concern one.
    only_tells: ClassVar[bool] = False

    vm: Vm

    def check(self) -> None:
        """ValueError says what no pattern can."""

    def put_to(self, receiver: Receiver, machine: str) -> Any:
        """Have it done for this machine."""
        raise NotImplementedError


class AskState(Request, frozen=True, kw_only=True):
    verb = "state"

    def put_to(self, receiver: Receiver, machine: str) -> Any:  # noqa: ARG002  others need it
        return receiver.state(self.vm)


class AskPrepare(Request, frozen=True, kw_only=True):
    verb = "prepare"

    wish: ReplicaWish

    def check(self) -> None:
        _require_targets(disk.target for disk in self.wish.disks)

    def put_to(self, receiver: Receiver, machine: str) -> Any:
        if self.wish.vm != self.vm:
            raise ValueError("it names two machines")
        # Whoever asks is the one that will write it, whatever the wish says.
        return receiver.prepare(msgspec.structs.replace(self.wish, source=machine))


class AskIncoming(Request, frozen=True, kw_only=True):
    """Its number is that of the Data frames which follow."""

    verb = "incoming"

    sha256: Sha256
    size: Size

    def put_to(self, receiver: Receiver, machine: str) -> Any:  # noqa: ARG002  others need it
        return receiver.incoming(self.vm, self.sha256, size=self.size)


class AskTake(Request, frozen=True, kw_only=True):
    """A piece that is answered; Data frames are not."""

    verb = "take"

    sha256: Sha256
    offset: Size
    content: Annotated[bytes, msgspec.Meta(max_length=MIB)]

    def put_to(self, receiver: Receiver, machine: str) -> Any:  # noqa: ARG002  others need it
        return receiver.take(
            self.vm, self.sha256, offset=self.offset, content=memoryview(self.content)
        )


class AskApply(Request, frozen=True, kw_only=True):
    verb = "apply"
    effort = Effort.HEAVY

    sha256: Sha256

    def put_to(self, receiver: Receiver, machine: str) -> Any:  # noqa: ARG002  others need it
        return receiver.apply(self.vm, self.sha256)


class AskHashes(Request, frozen=True, kw_only=True):
    verb = "hashes"
    effort = Effort.HEAVY

    target: Target
    start: Size
    length: Size
    chunk: Chunk

    def check(self) -> None:
        if self.length > MOST_HASHES * self.chunk:
            raise ValueError("more hashes than fit into an answer")

    def put_to(self, receiver: Receiver, machine: str) -> Any:  # noqa: ARG002  others need it
        return receiver.hashes(
            self.vm, self.target, start=self.start, length=self.length, chunk=self.chunk
        )


class AskSeed(Request, frozen=True, kw_only=True):
    verb = "seed"
    effort = Effort.LONG

    wish: SeedWish

    def check(self) -> None:
        _require_targets(disk.target for disk in self.wish.disks)
        _require_targets(self.wish.images)

    def put_to(self, receiver: Receiver, machine: str) -> Any:  # noqa: ARG002  others need it
        return receiver.seed(self.vm, self.wish)


class AskRemove(Request, frozen=True, kw_only=True):
    verb = "remove"
    effort = Effort.LONG

    def put_to(self, receiver: Receiver, machine: str) -> Any:  # noqa: ARG002  others need it
        return receiver.remove(self.vm)


class AskPin(Request, frozen=True, kw_only=True):
    verb = "pin"

    generation: Generation
    who: Who
    until: datetime | None = None

    def put_to(self, receiver: Receiver, machine: str) -> Any:  # noqa: ARG002  others need it
        return receiver.pin(self.vm, self.generation, who=self.who, until=self.until)


class AskUnpin(Request, frozen=True, kw_only=True):
    verb = "unpin"

    generation: Generation
    who: Who

    def put_to(self, receiver: Receiver, machine: str) -> Any:  # noqa: ARG002  others need it
        return receiver.unpin(self.vm, self.generation, who=self.who)


class AskTidings(Request, frozen=True, kw_only=True):
    """Sites of before do not know it, which is no failure."""

    verb = "tidings"
    only_tells = True

    told: SourceTidings

    def check(self) -> None:
        texts = (self.told.act, self.told.generation, self.told.error)
        if any(len(text) > _LONGEST_NAME for text in texts) or len(self.told.facts) > _MOST_FACTS:
            raise ValueError("more than a host has to tell")

    def put_to(self, receiver: Receiver, machine: str) -> Any:
        return receiver.tidings(self.vm, self.told, machine=machine)


class AskAdopt(Request, frozen=True, kw_only=True):
    """The disks the machine had there are to be the base of its replica."""

    verb = "adopt"
    effort = Effort.LONG

    wish: AdoptWish

    def check(self) -> None:
        if len(self.wish.act) > _LONGEST_NAME:
            raise ValueError("that is no name of an act")

    def put_to(self, receiver: Receiver, machine: str) -> Any:
        return receiver.adopt(self.vm, msgspec.structs.replace(self.wish, source=machine))


class AskLook(Request, frozen=True, kw_only=True):
    """What the host there lacks for the machine. Sites of before do not know it."""

    verb = "look"
    effort = Effort.LONG

    wish: LookWish

    def put_to(self, receiver: Receiver, machine: str) -> Any:
        found = receiver.look(self.vm, msgspec.structs.replace(self.wish, source=machine))
        return tuple(refusal_of(0, each, what=self.verb) for each in found[:_MOST_FACTS])


class AskWayBack(Request, frozen=True, kw_only=True):
    """Whether the site could bring back what is replicated to it; it tries."""

    verb = "way-back"
    effort = Effort.LONG

    def put_to(self, receiver: Receiver, machine: str) -> Any:
        return receiver.way_back(self.vm, machine=machine)


class AskSuspects(Request, frozen=True, kw_only=True):
    verb = "suspects"

    target: Target
    start: Size
    length: Size

    def check(self) -> None:
        if self.start % (8 * GRAIN) or not 0 < self.length <= MOST_BYTES:
            raise ValueError("more than fits into an answer")

    def put_to(self, receiver: Receiver, machine: str) -> Any:  # noqa: ARG002  others need it
        return receiver.suspects(self.vm, self.target, start=self.start, length=self.length)


class AskProbe(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent with its number is counted and thrown away. Asked for without a machine."""

    verb: ClassVar[str] = "probe"


class AskProbed(msgspec.Struct, frozen=True, kw_only=True):
    """How many bytes came with this number; it is over then."""

    verb: ClassVar[str] = "probed"

    number: int


REQUESTS: dict[str, type[Request]] = {
    kind.verb: kind
    for kind in (
        *(AskState, AskPrepare, AskIncoming, AskTake, AskApply, AskHashes),
        *(AskSeed, AskRemove, AskPin, AskUnpin, AskTidings),
        *(AskAdopt, AskLook, AskSuspects, AskWayBack),
    )
}
