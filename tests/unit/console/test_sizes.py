"""Sizes that people type."""

import pytest

from holdfast.console.sizes import SizeNotUnderstood, read_bytes, written


@pytest.mark.parametrize("size", [0, 1, 1024, 10 << 20, 500 << 30, 2 << 40, (1 << 30) + 1])
def test_what_is_shown_can_be_typed_again(size: int) -> None:
    assert read_bytes(written(size)) == size


def test_no_limit_is_a_naught() -> None:
    assert written(None) == "0"


@pytest.mark.parametrize("text", ["", "lots", "-1", "9999999P", "1 2"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(SizeNotUnderstood):
        read_bytes(text)
