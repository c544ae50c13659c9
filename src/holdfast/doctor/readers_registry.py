"""Who can read what: log layouts and readers, chosen by what an artefact contains."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.facts import Fact
from holdfast.doctor.log_format import LogFormat

Read = Callable[[Artefact], Iterable[Fact]]
# Looks at the first lines and the name; content decides, names only help.
Sniff = Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader of one kind of artefact; it must not raise whatever it is given."""

    probe: str
    read: Read
    accepts: Sniff


READERS: list[Reader] = []
LOGS: dict[str, LogFormat] = {}


def reader(probe: str, *, accepts: Sniff) -> Callable[[Read], Read]:
    """Register a function that turns an artefact of this probe's kind into facts."""

    def register(read: Read) -> Read:
        READERS.append(Reader(probe, read, accepts))
        return read

    return register


def log(layout: LogFormat) -> LogFormat:
    """Register a layout; its stream is what the catalogue's events name."""
    if layout.stream in LOGS:
        raise ValueError(f"log {layout.stream} is defined twice")
    LOGS[layout.stream] = layout
    return layout
