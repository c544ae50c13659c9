"""Which strings are ids."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.base.ids import ID_BYTES, blob_id_from_hex, is_file_id, pack_id_from_hex


@given(st.binary(min_size=ID_BYTES, max_size=ID_BYTES))
def test_hex_digits_and_digest_are_two_forms_of_one_id(digest: bytes) -> None:
    assert is_file_id(digest.hex())
    assert blob_id_from_hex(digest.hex()) == digest
    assert pack_id_from_hex(digest.hex()) == digest


@pytest.mark.parametrize(
    "name", ["", "ab", "g" * 64, "A" * 64, "a" * 63, "a" * 65, " " + "a" * 63, "a" * 63 + "\n"]
)
def test_anything_else_is_no_id(name: str) -> None:
    assert not is_file_id(name)
    with pytest.raises(ValueError, match="not an id"):
        blob_id_from_hex(name)
