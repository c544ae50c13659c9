"""A disk that QEMU serves over NBD, as what a point is made of."""

from collections.abc import Generator, Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Self

from holdfast.disks.nbd_address import UnixAddress
from holdfast.disks.nbd_client import Flagged, NbdClient
from holdfast.disks.nbd_wire import BASE_ALLOCATION
from holdfast.disks.spans import Span, merged
from holdfast.machines.tracking import changed_spans

if TYPE_CHECKING:
    from holdfast.machines.blocks import Spans

# Flags of base:allocation and of a bitmap's context.
_ZERO = 2
_DIRTY = 1
# Spans under way in all: one that is dealt with, and the next.
_UNDER_WAY = 2


class NbdSource:
    """`context` names the record of changes; `before` is the size the disk had in the parent.

    `layers`: the record is what lies in that many of the disk's images, counted from the top.
    """

    def __init__(
        self,
        address: UnixAddress,
        export: str,
        *,
        context: str | None = None,
        before: int = 0,
        layers: int = 0,
    ) -> None:
        self._address = address
        self._export = export
        self._context = context
        contexts = (BASE_ALLOCATION,) if context is None else (BASE_ALLOCATION, context)
        self._client = NbdClient(address, export, contexts=contexts)
        self.size = self._client.size
        self.changed: Spans | None = None
        if context is not None:
            dirty = self._in_layers(context, layers) if layers else self._dirty(context)
            self.changed = changed_spans(dirty, size=self.size, before=before)

    def also_changed(self, spans: list[Span]) -> None:
        """What the record, if there is one, cannot know of."""
        if self.changed is not None:
            self.changed = merged([*map(Span._make, self.changed), *spans])

    def distrust(self) -> None:
        """Whatever the record says: anything may have changed."""
        self.changed = None

    def spans_with_data(self) -> list[Span]:
        return self._with_data

    @cached_property
    def _with_data(self) -> list[Span]:
        told = self._told(BASE_ALLOCATION)
        return merged(span for span, flags in told if not flags & _ZERO)

    def data_within(self, span: Span) -> list[Span]:
        """The same of a part of the disk, without asking about all of it."""
        if not span.length:
            return []
        told = self._client.status(BASE_ALLOCATION, span)
        return merged(part for part, flags in told if not flags & _ZERO)

    def read_into(self, offset: int, target: memoryview) -> None:
        self._client.read_into(offset, target)

    def read_ahead(
        self, spans: Iterable[Span], *, longest: int
    ) -> Generator[tuple[Span, memoryview], None, None]:
        """The content of each span, good until the next is asked for; that one is on its way."""
        return self._client.read_many(spans, piece=longest, depth=_UNDER_WAY)

    def another(self) -> "NbdSource":
        return NbdSource(self._address, self._export)

    def close(self) -> None:
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _dirty(self, context: str) -> list[Span]:
        return merged(span for span, flags in self._told(context) if flags & _DIRTY)

    def _in_layers(self, context: str, layers: int) -> list[Span]:
        return merged(span for span, depth in self._told(context) if 1 <= depth <= layers)

    def _told(self, context: str) -> list[Flagged]:
        return self._client.status(context, Span(0, self.size)) if self.size else []
