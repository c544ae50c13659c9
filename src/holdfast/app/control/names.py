"""Names people give to things."""

import re
import unicodedata

from holdfast.app.control.account_errors import NameNotGood
from holdfast.base.texts import _

LONGEST = 64
_SHAPE = re.compile(r"\w(?:[\w .@+-]*[\w@+-])?")


def good_name(name: str, what: str) -> str:
    """The name in its one spelling; raises if it could be mistaken for something else."""
    found = unicodedata.normalize("NFC", name)
    if len(found) > LONGEST:
        reason = _("it has more than {most} characters").format(most=LONGEST)
        raise NameNotGood(name=found[:LONGEST], what=what, reason=reason)
    if not _SHAPE.fullmatch(found):
        reason = _("letters, digits and . _ - @ + are fine, and single words best")
        raise NameNotGood(name=found, what=what, reason=reason)
    return found
