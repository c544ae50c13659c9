"""Korean particles after words that are only known at run time."""

import re

# Written as people write them when they do not know the word: 을(를), 이(가), 은(는), 과(와), (으)로.
_PARTICLE = re.compile(r"(\w)([\"'`)\]}”\u2019]*)(을\(를\)|이\(가\)|은\(는\)|과\(와\)|\(으\)로)")
_AFTER_FINAL = {"을(를)": "을", "이(가)": "이", "은(는)": "은", "과(와)": "과", "(으)로": "으로"}
_AFTER_VOWEL = {"을(를)": "를", "이(가)": "가", "은(는)": "는", "과(와)": "와", "(으)로": "로"}
_HANGUL = 0xAC00
_SYLLABLES = 11172
_FINALS = 28
_RIEUL = 8
# How digits and the letters that end in a consonant sound in Korean: 0 영, 1 일, l 엘, m 엠 …
_FINAL_DIGITS = {"0": "ㅇ", "1": "ㄹ", "3": "ㅁ", "6": "ㄱ", "7": "ㄹ", "8": "ㄹ"}
_FINAL_LETTERS = {"l": "ㄹ", "m": "ㅁ", "n": "ㄴ", "r": "ㄹ"}


def with_particles(text: str) -> str:
    """Choose each particle by the sound before it; unsure, the written-out form stays."""
    return _PARTICLE.sub(_chosen, text)


def _chosen(found: re.Match[str]) -> str:
    letter, closing, particle = found.groups()
    final = _final_sound(letter)
    if final is None:
        return found.group()
    vowel_like = final == "" or (particle == "(으)로" and final == "ㄹ")
    return letter + closing + (_AFTER_VOWEL if vowel_like else _AFTER_FINAL)[particle]


def _final_sound(letter: str) -> str | None:
    """The consonant that a character's sound ends in, "" for a vowel, None where it is unclear."""
    place = ord(letter) - _HANGUL
    if 0 <= place < _SYLLABLES:
        final = place % _FINALS
        return "" if final == 0 else "ㄹ" if final == _RIEUL else "ㅇ"
    if letter.isdigit():
        return _FINAL_DIGITS.get(letter, "")
    if letter.isascii() and letter.isalpha():
        return _FINAL_LETTERS.get(letter.lower(), "")
    return None
