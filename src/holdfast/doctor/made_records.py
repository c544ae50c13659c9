"""Records that a reader makes, a binary event log's say, matched as a log's own records are."""

from collections.abc import Callable
from dataclasses import replace

from holdfast.doctor.facts import Record
from holdfast.doctor.scanning import Interest, Interests

# So many records are looked at together; one automaton says at once that none of them matters.
BATCH = 1000


class MadeRecords:
    """Takes the records of one reader and one artefact."""

    def __init__(
        self, listening: Callable[[str], Interests], raised: Callable[[Interest, Record], None]
    ) -> None:
        self._listening, self._raised = listening, raised
        self._tuned: dict[str, Interests] = {}
        self._waiting: list[Record] = []

    def take(self, record: Record) -> None:
        if self._waiting and record.stream != self._waiting[0].stream:
            self.flush()
        self._waiting.append(record)
        if len(self._waiting) >= BATCH:
            self.flush()

    def flush(self) -> None:
        """Match what waits; call it when the reader is done."""
        batch, self._waiting = self._waiting, []
        if not batch:
            return
        raws = [record.text.encode("utf-8", "replace") for record in batch]
        interests = self._interests(batch, raws)
        if interests.next_in(b"\n".join(raws), 0) is not None:
            for record, raw in zip(batch, raws, strict=True):
                self._match(interests, record, raw)

    def _interests(self, batch: list[Record], raws: list[bytes]) -> Interests:
        """A long log is worth tuning to what stands in it."""
        stream = batch[0].stream
        if stream not in self._tuned:
            known = self._listening(stream)
            if len(batch) < BATCH:
                return known
            self._tuned[stream] = known.tuned_to(b"\n".join(raws))
        return self._tuned[stream]

    def _match(self, interests: Interests, record: Record, raw: bytes) -> None:
        for interest, values in interests.matched(raw, lambda: record.level):
            self._raised(interest, replace(record, values={**record.values, **values}))
