"""Bytes that look like what people keep: text that compresses, noise that does not."""

from collections.abc import Sequence

import numpy as np

_POOL_SIZE = 24 << 20
_SHORT_PIECE, _LONG_PIECE = 1500, 16 << 10
_LONG_FROM = 1 << 20
_WORD_COUNT, _PHRASE_COUNT = 12_000, 4_000
_SEPARATORS = (b" ", b" ", b" ", b"_", b".", b", ", b"(", b") ", b" = ", b"\n", b"\n    ", b";\n")
_LETTERS = np.frombuffer(b"eeeettaaooiinnsshhrrddlcumwfgypbvkxjqz", dtype=np.uint8)


class Well:
    """Draws text and noise; the same seed gives the same bytes in the same order.

    Text is joined from random pieces of one pool, so that all files share a vocabulary
    but no two chunks are alike: nothing is given to the deduplication.
    """

    def __init__(self, seed: int, *, pool_size: int = _POOL_SIZE) -> None:
        self.dice = np.random.Generator(np.random.PCG64(seed))
        self._pool = memoryview(_text_pool(self.dice, pool_size))

    def noise(self, size: int) -> bytes:
        return self.dice.bytes(size)

    def text(self, size: int) -> bytes:
        piece = min(_SHORT_PIECE if size < _LONG_FROM else _LONG_PIECE, len(self._pool) // 2)
        count = -(-size // piece)
        starts = self.dice.integers(0, len(self._pool) - piece, count).tolist()
        return b"".join([self._pool[start : start + piece] for start in starts])[:size]

    def pick(self, choices: Sequence[str]) -> str:
        return choices[int(self.dice.integers(0, len(choices)))]

    def words(self, count: int) -> list[str]:
        return [word.decode() for word in _words(self.dice, count)]


def _text_pool(dice: np.random.Generator, size: int) -> bytes:
    words = _words(dice, _WORD_COUNT)
    tokens = np.array(words + _phrases(dice, words), dtype=object)
    dice.shuffle(tokens)
    # A few tokens are everywhere and most are rare, as in every natural text (Zipf).
    weight = 1 / (np.arange(len(tokens)) + 2.7)
    steps = np.cumsum(weight / weight.sum())
    count = size // 5
    drawn = np.searchsorted(steps, dice.random(count) * steps[-1])
    between = dice.integers(0, len(_SEPARATORS), count).tolist()
    pairs = zip(tokens[drawn].tolist(), between, strict=True)
    return b"".join([part for token, gap in pairs for part in (token, _SEPARATORS[gap])])[:size]


def _words(dice: np.random.Generator, count: int) -> list[bytes]:
    lengths = dice.integers(2, 12, count).tolist()
    letters = _LETTERS[dice.integers(0, len(_LETTERS), sum(lengths))].tobytes()
    ends = np.cumsum(lengths).tolist()
    return [letters[end - length : end] for end, length in zip(ends, lengths, strict=True)]


def _phrases(dice: np.random.Generator, words: list[bytes]) -> list[bytes]:
    lengths = dice.integers(3, 7, _PHRASE_COUNT).tolist()
    return [
        b" ".join(words[choice] for choice in dice.integers(0, len(words), length).tolist())
        for length in lengths
    ]
