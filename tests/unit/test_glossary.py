"""Korean messages use the words the glossary owns."""

import re
from pathlib import Path

import pytest

from tools import catalogue

ROOT = Path(__file__).parents[2]
_ROW = re.compile(r"^\| ([a-z, ]+) \| ([^|]+) \|", re.MULTILINE)
_TYPED = re.compile(r"`[^`]*`|\{[^}]*\}|--[\w-]+|\S*/\S*|HOLDFAST_\w+|Azure Blob")
# Words with one meaning only; "key" or "file" also occur in other senses.
WATCHED = ("vault", "passphrase", "recovery point", "scratch folder", "pack", "blob", "prune")


def _glossary() -> dict[str, str]:
    page = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    return {word.split(",")[0]: korean.strip() for word, korean in _ROW.findall(page)}


@pytest.mark.parametrize("word", WATCHED)
def test_word_is_translated_as_the_glossary_says(word: str) -> None:
    wanted = _glossary()[word]
    said = re.compile(rf"\b{word}s?\b", re.IGNORECASE)

    others = [
        f"{message.id} -> {message.string}"
        for message in catalogue.read()
        if said.search(_TYPED.sub("", str(message.id)))
        and message.string
        and wanted not in str(message.string)
    ]

    assert others == []
