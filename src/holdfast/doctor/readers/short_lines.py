"""Lines of listings that are never long: what is longer belongs to something else."""

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.readers.linux_lines import Line, lines_of

LONGEST = 500
# So many lines tell what a text is.
ENOUGH = 2000


def rows_of(head: str) -> list[str]:
    """The first lines that say something, for recognising a text."""
    rows = (line.rstrip() for line in head.split("\n")[:ENOUGH])
    return [row for row in rows if row and len(row) <= LONGEST]


def short_lines(artefact: Artefact) -> list[Line]:
    found = lines_of(artefact)
    return [one for one in found if len(one.text) <= LONGEST and (one.text or one.typed)]
