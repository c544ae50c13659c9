import re
from pathlib import Path

import holdfast.replication
from holdfast.machines.tracking import Why
from holdfast.replication.resync import Because
from holdfast.replication.why_texts import WHATS, WHYS, what_text, why_text

_SOURCES = Path(holdfast.replication.__file__).parent
_TOLD = re.compile(r'happened\(\s*"([\w-]+)"(?:\s+if[^,]+else\s+"([\w-]+)")?,\s*(?:"([\w-]+)")?')


def test_every_reason_to_compare_has_words() -> None:
    without = [one for one in (*Because, *Why) if why_text(one.value) == one.value]

    assert without == []


def test_whatever_is_told_to_have_happened_has_words() -> None:
    told = [found for path in _SOURCES.glob("*.py") for found in _TOLD.findall(path.read_text())]

    whats = {what for first, second, _why in told for what in (first, second) if what}
    whys = {why for _first, _second, why in told if why}

    assert whats
    assert whats <= WHATS.keys()
    assert whys <= WHYS.keys()


def test_a_word_of_a_newer_release_stays_what_it_is() -> None:
    assert what_text("teleported") == "teleported"
    assert why_text("wormhole") == "wormhole"
