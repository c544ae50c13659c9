"""What stays out of a backup, in gitignore syntax.

A pattern that begins with a slash is an absolute path of the machine. One with a slash further in
is relative to the protected root, or to the folder its file lies in. One without is a name that
counts everywhere below. The last pattern that matches decides; "!" takes back.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

_CACHE_SIGNATURE = b"Signature: 8a477f597d28d172789f06886806bc55"
CACHE_TAG = b"CACHEDIR.TAG"

_GLOB_SPECIAL = re.compile(r"([\\*?\[\]!# ])")


def anchored(pattern: str, folder: str) -> str:
    """The same pattern, relative to the machine's root instead of to a folder."""
    negation = "!" if pattern.startswith("!") else ""
    body = pattern.removeprefix("!")
    inside = body.rstrip().rstrip("/")
    if not inside or body.startswith(("/", "#")) or "/" not in inside:
        return pattern
    if inside.startswith("**/"):
        return pattern
    escaped = _GLOB_SPECIAL.sub(r"\\\1", folder.rstrip("/"))
    return f"{negation}{escaped}/{body}"


@dataclass(frozen=True, slots=True)
class Rules:
    """All patterns that hold in a folder and below, as written for the machine's root."""

    patterns: tuple[str, ...] = ()

    def with_patterns(self, patterns: Iterable[str], folder: bytes) -> "Rules":
        text = _text(folder)
        return Rules(self.patterns + tuple(anchored(pattern, text) for pattern in patterns))

    def keep(self, folder: bytes, names: Sequence[bytes], folders: set[bytes]) -> list[bytes]:
        """The names in a folder that no pattern excludes; `folders` says which are folders."""
        if not self.patterns:
            return list(names)
        spec = _compiled(self.patterns)
        prefix = _text(folder).strip("/")
        prefix = prefix + "/" if prefix else ""
        return [
            name
            for name in names
            if not spec.match_file(f"{prefix}{_text(name)}{'/' if name in folders else ''}")
        ]


def read_patterns(content: bytes) -> list[str]:
    """The lines of an exclude file; pathspec knows comments and empty lines."""
    return content.decode("utf-8", "surrogateescape").splitlines()


def is_cache_tag(content: bytes) -> bool:
    """Whether a CACHEDIR.TAG is a real one, see https://bford.info/cachedir/."""
    return content.startswith(_CACHE_SIGNATURE)


@lru_cache(maxsize=64)
def _compiled(patterns: tuple[str, ...]) -> "GitIgnoreSpec":
    from pathspec import GitIgnoreSpec  # only who excludes something pays for the import

    return GitIgnoreSpec.from_lines(patterns)


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
