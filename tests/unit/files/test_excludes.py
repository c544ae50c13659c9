"""Patterns in gitignore's syntax, and where they hold."""

import pytest

from holdfast.files.excludes import Rules, is_cache_tag, read_patterns

ROOT = b"/srv/data"


def kept(
    patterns: list[str], *names: bytes, folder: bytes = ROOT, root: bytes = ROOT
) -> set[bytes]:
    """What stays of these names; one that ends with a slash is a folder."""
    rules = Rules().with_patterns(patterns, root)
    folders = {name[:-1] for name in names if name.endswith(b"/")}
    return set(rules.keep(folder, [name.rstrip(b"/") for name in names], folders))


@pytest.mark.parametrize(
    ("pattern", "excluded"),
    [
        ("*.tmp", {b"a.tmp", b"b.tmp"}),
        ("a.tmp", {b"a.tmp"}),
        ("[ab].tmp", {b"a.tmp", b"b.tmp"}),
        ("[!a].tmp", {b"b.tmp"}),
        ("?.tmp", {b"a.tmp", b"b.tmp"}),
        ("folder", {b"folder"}),
        ("folder/", {b"folder"}),
        ("a.tmp/", set()),
        ("**/a.tmp", {b"a.tmp"}),
        ("/srv/data/a.tmp", {b"a.tmp"}),
        ("/a.tmp", set()),
        ("./a.tmp", set()),
        ("elsewhere/a.tmp", set()),
        ("# a.tmp", set()),
        ("", set()),
        ("   ", set()),
        ("\\#hash", {b"#hash"}),
        ("\\!bang", {b"!bang"}),
        ("a.tmp  ", {b"a.tmp"}),
        ("space\\ ", {b"space "}),
        ("*", {b"a.tmp", b"b.tmp", b"folder", b"#hash", b"!bang", b"space "}),
    ],
)
def test_a_pattern_excludes_what_git_would_ignore(pattern: str, excluded: set[bytes]) -> None:
    names = (b"a.tmp", b"b.tmp", b"folder/", b"#hash", b"!bang", b"space ")

    left = kept([pattern], *names)

    assert {name.rstrip(b"/") for name in names} - left == excluded


@pytest.mark.parametrize(
    ("pattern", "folder", "excluded"),
    [
        ("deep/file", b"/srv/data/deep", True),
        ("deep/file", b"/srv/data/other/deep", False),
        ("**/deep/file", b"/srv/data/other/deep", True),
        ("deep/**/file", b"/srv/data/deep/a/b", True),
        ("deep/**", b"/srv/data/deep/a", True),
        ("file", b"/srv/data/other/deep", True),
        ("/srv/*/deep/file", b"/srv/data/deep", True),
        ("/srv/**/file", b"/srv/data/deep", True),
        ("/deep/file", b"/srv/data/deep", False),
    ],
)
def test_a_slash_anchors_a_pattern(pattern: str, folder: bytes, excluded: bool) -> None:
    left = kept([pattern], b"file", folder=folder)

    assert (left == set()) is excluded


def test_the_last_pattern_that_matches_decides() -> None:
    left = kept(["*.tmp", "!keep.tmp", "really-*.tmp"], b"a.tmp", b"keep.tmp", b"really-keep.tmp")

    assert left == {b"keep.tmp"}


def test_an_anchored_pattern_can_be_taken_back() -> None:
    left = kept(["deep/*", "!deep/keep"], b"keep", b"drop", folder=b"/srv/data/deep")

    assert left == {b"keep"}


@pytest.mark.parametrize("pattern", ["data", "srv", "data/", "**/data", "s*", "**/data/"])
def test_the_names_of_folders_above_the_root_match_nothing(pattern: str) -> None:
    """A pattern without a slash counts below the root; the root itself was asked for."""
    left = kept([pattern], b"file", b"folder/")

    assert left == {b"file", b"folder"}


def test_patterns_hold_for_a_root_at_the_top() -> None:
    left = kept(["*.tmp", "etc/x", "proc/"], b"a.tmp", b"etc/", b"proc/", folder=b"/", root=b"/")

    assert left == {b"etc"}


@pytest.mark.parametrize(
    "root", [b"/a [b]", b"/*", b"/back\\slash", b"/!x", b"/#x", b"/tail ", b"/new\nline"]
)
def test_special_characters_of_the_root_are_no_wildcards(root: bytes) -> None:
    anchored = kept(["in/file"], b"file", b"other", root=root, folder=root + b"/in")
    anywhere = kept(["file"], b"file", b"other", root=root, folder=root + b"/in")

    assert (anchored, anywhere) == ({b"other"}, {b"other"})


def test_names_that_are_not_utf_8_are_matched_by_their_bytes() -> None:
    patterns = read_patterns(b"caf\xe9\n*.\xff\n")

    left = kept(patterns, b"caf\xe9", "café".encode(), b"x.\xff", b"x.\xfe")

    assert left == {"café".encode(), b"x.\xfe"}


def test_a_newline_in_a_name_is_a_character_like_others() -> None:
    left = kept(["file", "*.tmp", "a?b"], b"file\n", b"x\ny.tmp", b"a\nb", b"x.tmp\n")

    assert left == {b"file\n", b"x.tmp\n"}


def test_a_name_is_excluded_below_a_folder_with_a_newline() -> None:
    left = kept(["file", "**/other"], b"file", b"other", folder=ROOT + b"/new\nline")

    assert left == set()


def test_only_newlines_end_a_line_of_a_file() -> None:
    separators = "a\x0bb\x0cc\x1cd\x85e\u2028f"

    patterns = read_patterns(f"\ufeff{separators}\nsecond\r\n\nlast".encode())

    assert patterns == [separators, "second", "", "last"]


@pytest.mark.parametrize(
    "pattern",
    [
        "!",
        "/",
        "//",
        "!/",
        "[",
        "a[",
        "\\",
        "a\\",
        "***",
        "**/",
        "[z-a]",
        "!!",
        "a//b",
        "/**",
        "!\\",
    ],
)
def test_an_odd_pattern_is_no_reason_to_stop(pattern: str) -> None:
    kept([pattern, "*.tmp"], b"a.tmp", b"file")


def test_no_patterns_keep_everything() -> None:
    assert kept([], b"a", b"b/") == {b"a", b"b"}


def test_patterns_in_a_folder_hold_below_it_only_together_with_those_above() -> None:
    rules = Rules().with_patterns(["*.tmp"], ROOT)
    inner = rules.with_patterns(["!keep.tmp", "build/"], ROOT + b"/inner", inside=True)

    names = [b"keep.tmp", b"drop.tmp", b"build"]
    left = inner.keep(ROOT + b"/inner/deep", names, {b"build"})

    assert left == [b"keep.tmp"]


def test_a_slash_in_an_ignore_file_means_the_folder_it_lies_in() -> None:
    inner = Rules().with_patterns(["/top", "!/top-2"], ROOT + b"/inner", inside=True)

    here = inner.keep(ROOT + b"/inner", [b"top"], set())
    deeper = inner.keep(ROOT + b"/inner/deep", [b"top"], set())

    assert (here, deeper) == ([], [b"top"])


@pytest.mark.parametrize(
    ("content", "is_valid"),
    [
        (b"Signature: 8a477f597d28d172789f06886806bc55", True),
        (b"Signature: 8a477f597d28d172789f06886806bc55\n# made by", True),
        (b"Signature: 8a477f597d28d172789f06886806bc5", False),
        (b" Signature: 8a477f597d28d172789f06886806bc55", False),
        (b"", False),
    ],
)
def test_only_the_signature_makes_a_cache(content: bytes, is_valid: bool) -> None:
    assert is_cache_tag(content) is is_valid
