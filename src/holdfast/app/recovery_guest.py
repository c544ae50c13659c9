"""At a site: what was seen of a guest at its own host, while somebody could look into it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from holdfast.base.texts import _
from holdfast.recovery.desk import tidings_of
from holdfast.recovery.readiness.kept import READINESS, read_look
from holdfast.recovery.readiness.texts import remedy, sentence

if TYPE_CHECKING:
    from holdfast.app.recovery_here import Here


def doubts_of_guest(found: "Here") -> Iterator[str]:
    """In a sentence each, with the code; nothing of one that its source never looked at."""
    heard = tidings_of(found.home, found.vm)
    look = read_look(heard.tidings.facts.get(READINESS, "")) if heard is not None else None
    if look is None:
        return
    text = _("Its guest, when it was looked at on {day}: {said} [{code}]")
    for finding in look.told():
        if not finding.is_against:
            continue
        day, said = look.at.date().isoformat(), sentence(finding)
        cure = remedy(finding, found.name)
        told = text.format(day=day, said=said, code=finding.code)
        yield f"{told} → {cure}" if cure else told
