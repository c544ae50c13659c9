"""Decide what is restored and what becomes of what is there already. Values in, decisions out."""

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

from holdfast.files.options import Overwrite

# Facts of ours at the root of a point: lists of skipped items, descriptions of machines.
OWN_FOLDER = b".holdfast"


class Choice(Enum):
    NO = "no"
    # A folder that is not wanted itself, but may hold what is.
    PASSAGE = "passage"
    YES = "yes"


class Selection:
    """Which paths of a point are wanted; patterns are gitignore syntax from the point's root."""

    def __init__(self, include: Sequence[str], exclude: Sequence[str]) -> None:
        self._include = _compiled(include) if include else None
        self._exclude = _compiled(exclude) if exclude else None
        self.everything = not include and not exclude

    def choose(self, path: bytes, *, is_folder: bool) -> Choice:
        """Decide on a path without leading slash, once its folder was not refused."""
        text = path.decode("utf-8", "surrogateescape") + ("/" if is_folder else "")
        if self._exclude is not None and self._exclude.match_file(text):
            return Choice.NO
        if self._include is None:
            return Choice.NO if path == OWN_FOLDER else Choice.YES
        if self._include.match_file(text):
            return Choice.YES
        return Choice.PASSAGE if is_folder else Choice.NO


def _compiled(patterns: Sequence[str]) -> "GitIgnoreSpec":
    from pathspec import GitIgnoreSpec  # only who chooses something pays for the import

    # The others, taken where their libraries are installed, refuse names that are no UTF-8.
    return GitIgnoreSpec.from_lines(patterns, backend="simple")


class Step(Enum):
    CREATE = "create"
    KEEP = "keep"  # leave alone what is there
    COMPARE = "compare"  # same kind: write what differs
    REWRITE = "rewrite"  # same kind: write all
    REPLACE = "replace"  # another kind: take it away first


def next_step(
    overwrite: Overwrite, *, exists: bool, same_kind: bool = False, older: bool = False
) -> Step:
    """What to do with one item; `older` says that the one there is older than the point's."""
    if not exists:
        return Step.CREATE
    if overwrite is Overwrite.NEVER or (overwrite is Overwrite.NEWER and not older):
        return Step.KEEP
    if not same_kind:
        return Step.REPLACE
    return Step.REWRITE if overwrite is Overwrite.ALWAYS else Step.COMPARE


def is_safe_name(name: bytes) -> bool:
    """Whether a name from a vault can only mean an entry of its own folder."""
    return name not in (b"", b".", b"..") and b"/" not in name and b"\0" not in name


def are_plain_names(texts: Sequence[str]) -> bool:
    """Whether a look at all names of a listing finds each safe, unescaped, and there only once."""
    text = "\0".join(texts)
    names = set(texts)
    return (
        "\\" not in text
        and "/" not in text
        and text.count("\0") == len(texts) - 1
        and len(names) == len(texts)
        and names.isdisjoint(("", ".", ".."))
    )


def joined(folder: bytes, name: bytes) -> bytes:
    return folder + b"/" + name if folder else name


class Protected:
    """Which folders of a point were read whole: only inside them is an extra item an extra.

    A point of /etc restored to / must never take away /usr.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        encoded = (path.encode("utf-8", "surrogateescape") for path in paths)
        self._roots = tuple(path.strip(b"/") for path in encoded)

    def covers(self, path: bytes) -> bool:
        return any(not root or path == root or path.startswith(root + b"/") for root in self._roots)
