"""Our reading of gitignore's syntax against git's own, and against hostile patterns."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.files.excludes import Rules, read_patterns

NAMES = (b"a", b"b", b"ab")
SEGMENTS = st.sampled_from(["a", "b", "ab", "*", "a*", "?", "[ab]", "[!a]", "*b", "**"])


@st.composite
def patterns(draw: st.DrawFn) -> str:
    body = "/".join(draw(st.lists(SEGMENTS, min_size=1, max_size=3)))
    head = draw(st.sampled_from(["", "", "/", "!", "!/"]))
    return head + body + draw(st.sampled_from(["", "", "/"]))


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders two deep with files in them, in a repository of git."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    root = tmp_path_factory.mktemp("tree")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    for one in NAMES:
        for two in NAMES:
            folder = os.path.join(os.fsencode(root), one, two)
            os.makedirs(folder)
            for three in NAMES:
                with open(os.path.join(folder, three), "wb"):
                    pass
    return root


def ours(root: Path, lines: list[str]) -> set[bytes]:
    """The files that a backup with these patterns in an ignore file holds."""
    rules = Rules().with_patterns(lines, os.fsencode(root), inside=True)
    found: set[bytes] = set()
    waiting = [os.fsencode(root)]
    while waiting:
        folder = waiting.pop()
        names = [name for name in sorted(os.listdir(folder)) if name in NAMES]
        folders = {name for name in names if os.path.isdir(os.path.join(folder, name))}
        for name in rules.keep(folder, names, folders):
            path = os.path.join(folder, name)
            if name in folders:
                waiting.append(path)
            else:
                found.add(os.path.relpath(path, os.fsencode(root)))
    return found


def gits(root: Path, lines: list[str]) -> set[bytes]:
    (root / ".gitignore").write_text("".join(f"{line}\n" for line in lines))
    listed = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", "--others", "--exclude-from=.gitignore"],
        check=True,
        capture_output=True,
    )
    return set(filter(None, listed.stdout.split(b"\0"))) - {b".gitignore"}


@given(lines=st.lists(patterns(), min_size=1, max_size=4))
def test_a_tree_is_cut_as_git_cuts_it(tree: Path, lines: list[str]) -> None:
    assert ours(tree, lines) == gits(tree, lines)


@given(content=st.binary(max_size=60), name=st.binary(min_size=1, max_size=8))
def test_no_bytes_in_an_exclude_file_stop_a_backup(content: bytes, name: bytes) -> None:
    rules = Rules().with_patterns(read_patterns(content), b"/srv/\xff[", inside=True)

    kept = rules.keep(b"/srv/\xff[/below", [name], set())

    assert kept in ([], [name])


@given(name=st.binary(min_size=1, max_size=12).filter(lambda name: not set(name) & set(b"/\0")))
def test_a_name_with_all_its_wildcards_escaped_excludes_only_itself(name: bytes) -> None:
    text = name.decode("utf-8", "surrogateescape")
    pattern = "".join(f"\\{char}" if char in "\\*?[]!# " else char for char in text)
    if pattern != pattern.rstrip() or "\n" in text or "\r" in text:
        return

    rules = Rules().with_patterns([pattern], b"/srv")

    assert rules.keep(b"/srv/x", [name, b"other-" + name], set()) == [b"other-" + name]
