"""What stays out of a backup, in gitignore syntax.

A pattern that begins with a slash is an absolute path of the machine; in an ignore file inside the
tree it is one below the folder that file lies in. One with a slash further in is relative to the
protected root, or to that folder. One without is a name that counts everywhere below, and nowhere
above. The last pattern that matches decides; "!" takes back.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

_CACHE_SIGNATURE = b"Signature: 8a477f597d28d172789f06886806bc55"
CACHE_TAG = b"CACHEDIR.TAG"

# Stands for a newline, which ends a line in regular expressions; no name has this character.
_NEWLINE = "\0"
# pathspec's group for the slash after a folder; only "x/**" has none.
_FOLDER_MARK = "ps_d"
# Whether it excludes or takes back, and what.
_Test = tuple[bool, Callable[[str], object]]
_GLOB_SPECIAL = re.compile(r"([\\*?\[\]!# ])")


def anchored(pattern: str, folder: str, *, inside: bool = False) -> str:
    """The same pattern, relative to the machine's root instead of to a folder.

    `inside` says that it comes from a file in that folder, and so cannot reach out of it.
    """
    negation = "!" if pattern.startswith("!") else ""
    body = pattern.removeprefix("!").replace("\n", _NEWLINE)
    name = body.rstrip().rstrip("/")
    if not name or pattern.startswith("#"):
        return ""
    if f"/{body.rstrip()}".endswith("/**/"):
        # All folders below; pathspec would take it for the one they are in.
        body = name = body.rstrip() + "*/"
    if body.startswith("/") and not inside:
        return negation + body
    escaped = _GLOB_SPECIAL.sub(r"\\\1", folder.rstrip("/"))
    below = "/" if "/" in name else "/**/"
    return f"{negation}{escaped}{below}{body.lstrip('/')}"


@dataclass(frozen=True, slots=True)
class Rules:
    """All patterns that hold in a folder and below, as written for the machine's root."""

    patterns: tuple[str, ...] = ()

    def with_patterns(
        self, patterns: Iterable[str], folder: bytes, *, inside: bool = False
    ) -> "Rules":
        """These rules and more, later ones weighing more; what is no pattern excludes nothing."""
        text = _text(folder)
        found = (anchored(pattern, text, inside=inside) for pattern in patterns)
        return Rules(self.patterns + tuple(filter(_is_pattern, found)))

    def keep(self, folder: bytes, names: Sequence[bytes], folders: set[bytes]) -> list[bytes]:
        """The names in a folder that no pattern excludes; `folders` says which are folders."""
        if not self.patterns:
            return list(names)
        tests = _compiled(self.patterns)
        prefix = _text(folder).strip("/")
        prefix = prefix + "/" if prefix else ""
        return [
            name
            for name in names
            if not _excluded(f"{prefix}{_text(name)}{'/' if name in folders else ''}", tests)
        ]


def read_patterns(content: bytes) -> list[str]:
    """The lines of an exclude file, comments and empty ones among them."""
    text = content.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]


def is_cache_tag(content: bytes) -> bool:
    """Whether a CACHEDIR.TAG is a real one, see https://bford.info/cachedir/."""
    return content.startswith(_CACHE_SIGNATURE)


def _excluded(path: str, tests: list[_Test]) -> bool:
    return next((excludes for excludes, test in tests if test(path)), False)


@lru_cache(maxsize=64)
def _compiled(patterns: tuple[str, ...]) -> list[_Test]:
    """What decides about a path, the weightiest first."""
    return [found for pattern in reversed(patterns) for found in _read(pattern)]


@lru_cache(maxsize=1 << 14)
def _read(pattern: str) -> list[_Test]:
    from pathspec import GitIgnoreSpec  # only who excludes something pays for the import

    # The others, taken where their libraries are installed, refuse names that are no UTF-8.
    spec = GitIgnoreSpec.from_lines([pattern], backend="simple")
    return [(bool(each.include), _exact(each.regex)) for each in spec.patterns if each.regex]


def _exact(regex: re.Pattern[str]) -> Callable[[str], object]:
    """Match what the pattern names, not all below it.

    Folders are walked from the top and an excluded one is not entered, so what is below matters
    only where it is taken back: after "a" and "!/a" git still ignores /a/a.
    """
    text = regex.pattern
    if _FOLDER_MARK in regex.groupindex:
        return re.compile(rf"(?:{text})\Z").search
    return re.compile(f"{text}." if text.endswith("/") else text).search


def _is_pattern(text: str) -> bool:
    try:
        return bool(text) and bool(_read(text))
    except (ValueError, re.error):
        # As git does: an ignore file somewhere in the tree must not stop a backup.
        return False


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape").replace("\n", _NEWLINE)
