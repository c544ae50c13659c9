"""What is printed stays on its line and lines up."""

from holdfast.cli import shown


def test_name_cannot_give_orders_to_a_terminal() -> None:
    assert shown.path(b"/a\x1b[2Jb\nc") == "/a\\x1b[2Jb\\nc"


def test_bytes_that_are_no_text_show_as_escapes() -> None:
    assert shown.path(b"/odd-\xff") == "/odd-\\xff"


def test_ordinary_names_stay_as_they_are() -> None:
    assert shown.path("/이름 with space".encode()) == "/이름 with space"


def test_columns_line_up_with_letters_of_two_places() -> None:
    lines = shown.table([("지점", "x"), ("ab", "y")])

    assert lines == ["지점  x", "ab    y"]


def test_empty_table_has_no_lines() -> None:
    assert shown.table([]) == []
