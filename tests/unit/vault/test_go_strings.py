"""Names as Go quotes them: the examples restic itself writes."""

import pytest

from holdfast.vault.go_strings import is_printable, quote, unquote

QUOTED = [
    (b"plain name.txt", "plain name.txt"),
    (b'say "hi"', r"say \"hi\""),
    (b"back\\slash", r"back\\slash"),
    (b"\a\b\f\n\r\t\v", r"\a\b\f\n\r\t\v"),
    (b"\x00\x01\x1f\x7f", r"\x00\x01\x1f\x7f"),
    (b"\xff\xfe", r"\xff\xfe"),
    (b"cut \xe2\x82", r"cut \xe2\x82"),
    ("한국어 é".encode(), "한국어 é"),
    ("soft\u00adhyphen".encode(), r"soft\u00adhyphen"),
    ("line\u2028end".encode(), r"line\u2028end"),
    ("wide\u3000blank".encode(), r"wide\u3000blank"),
    ("\ufffd".encode(), "\ufffd"),
    ("\U0001f600".encode(), "\U0001f600"),
    ("\U000e0001".encode(), r"\U000e0001"),
    ("\U0010ffff".encode(), r"\U0010ffff"),
    (b"\xed\xa0\x80", r"\xed\xa0\x80"),
    (b"'single'", "'single'"),
]


@pytest.mark.parametrize(("raw", "quoted"), QUOTED)
def test_a_name_is_quoted_as_go_does_it(raw: bytes, quoted: str) -> None:
    assert quote(raw) == quoted
    assert unquote(quoted) == raw


@pytest.mark.parametrize(
    "text", ["\\", "\\q", "\\x", "\\x1", "\\u12", "\\U0001", "\\400", "\\777", "\\U00110000"]
)
def test_what_go_would_not_unquote_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        unquote(text)


def test_octal_and_upper_case_escapes_are_read() -> None:
    assert unquote(r"\101\xAB\u00E9") == b"A\xab" + "é".encode()


def test_printing_follows_unicode_15_on_every_python() -> None:
    assert is_printable(0x1FAE8)  # shaking face, new in 15.0
    assert not is_printable(0x1FAE9)  # face with bags under eyes, new in 16.0
    assert not is_printable(0x2FFC)  # new in 15.1
