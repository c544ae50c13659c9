"""What a command refuses, as a person reads it in either language."""

import re

from holdfast.testing.two_sites import Station

_HANGUL = re.compile(r"[가-힣]")


def refused_in_both(station: Station, *words: str) -> str:
    """The code of it; what is wrong and what to do are said in the language that was asked for."""
    codes = set()
    for language in ("en", "ko"):
        said = station.run(*words, "--lang", language, status=None)
        assert said.status != 0, said.out
        sentence, remedy, last = _parts(said.err)
        for part in (sentence, remedy):
            assert bool(_HANGUL.search(part)) == (language == "ko"), said.err
        codes.add(last.split()[0].rstrip(","))
    assert len(codes) == 1, codes
    return codes.pop()


def _parts(text: str) -> tuple[str, str, str]:
    """Of the error: its sentence, what to do, and its code."""
    lines = text.splitlines()
    remedies = [number for number, line in enumerate(lines) if line.startswith("  → ")]
    assert len(remedies) == 1, text
    at = remedies[0]
    return lines[at - 1], lines[at], lines[at + 1]
