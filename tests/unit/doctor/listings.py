"""Reads a pasted listing with the readers of one family, as the doctor would."""

from collections.abc import Sequence

from holdfast.doctor.artefacts import from_text
from holdfast.doctor.facts import Fact
from holdfast.doctor.loading import load
from holdfast.doctor.readers_registry import READERS, Reader


def readers_of(family: str) -> Sequence[Reader]:
    load()
    return [one for one in READERS if one.probe.startswith(f"{family}.")]


def read_as(family: str, raw: str | bytes, name: str = "pasted.txt") -> list[Fact]:
    """The facts of those readers of the family that recognise the text."""
    text = raw if isinstance(raw, str) else raw.decode("utf-8", "replace")
    artefact = from_text(name, raw)
    fitting = [one for one in readers_of(family) if one.accepts(text, name)]
    return [fact for one in fitting for fact in one.read(artefact)]


def force(family: str, raw: str | bytes) -> None:
    """Give it to every reader of the family, whether it recognises the text or not."""
    for one in readers_of(family):
        list(one.read(from_text("forced", raw)))
