"""No text keeps a reader busy: blanks, empty lines, endless words and numbers are read at once.

A pattern that goes back over what it has read takes minutes for these; the time limit is far above
what any reader needs and far below that.
"""

import random

import pytest

from holdfast.doctor.artefacts import from_text
from holdfast.doctor.loading import load
from holdfast.doctor.readers_registry import READERS
from holdfast.doctor.reading import Reading

SIZE = 60_000
_WORDS = (
    *("Version:", "1.2.3.4", "State", "[1]", "Stable", "0x80070005", "C:\\Users\\x", "running"),
    *("2023-01-01", "10:22:33", "ERROR", "-----", "=", "\t", "   ", "Name", "SERVICE_NAME:", "{"),
    *('"a"', "<x>", "</x>", "KB", "100%", "Backup (VSS)", "Mode", "Health", "[global]", "#"),
)
_CHANCE = random.Random(7)
HOSTILE = {
    "blanks": " " * SIZE,
    "empty lines": "\n" * SIZE,
    "windows line ends": "\r\n" * (SIZE // 2),
    "one word": "a" * SIZE,
    "one number": "7" * SIZE,
    "a long version": "1." * (SIZE // 2),
    "dashes": "-" * SIZE,
    "quotes": '"' * SIZE,
    "brackets": "({[<" * (SIZE // 4),
    "keys without values": "a: " * (SIZE // 3),
    "commas": ("a," * 50 + "\n") * (SIZE // 100),
    "words in a line": " ".join(_CHANCE.choice(_WORDS) for _ in range(SIZE // 8)),
    "words in lines": "\n".join(
        " ".join(_CHANCE.choice(_WORDS) for _ in range(8)) for _ in range(SIZE // 60)
    ),
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", HOSTILE)
def test_it_is_recognised_at_once(name: str) -> None:
    reading = Reading(load())

    reading.read([from_text("pasted", HOSTILE[name])])

    assert reading.crashed == []


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", HOSTILE)
def test_every_reader_has_done_with_it_at_once(name: str) -> None:
    load()
    artefact = from_text("pasted", HOSTILE[name])

    for reader in READERS:
        list(reader.read(artefact))
