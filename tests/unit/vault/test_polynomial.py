"""Irreducible polynomials: every other client refuses a vault without one."""

import pytest

from holdfast.vault.config import parse_config
from holdfast.vault.errors import FileUnreadable
from holdfast.vault.polynomial import (
    DEGREE,
    greatest_common_divisor,
    is_irreducible,
    multiply_modulo,
    random_irreducible,
)

RESTIC = 0x3DA3358B4DC173


def product(a: int, b: int) -> int:
    total = 0
    while b:
        if b & 1:
            total ^= a
        a, b = a << 1, b >> 1
    return total


@pytest.mark.parametrize("polynomial", [0b10, 0b11, 0b111, 0b1011, 0b10011, 0x11B, RESTIC])
def test_known_irreducible_polynomials_are_recognised(polynomial: int) -> None:
    assert is_irreducible(polynomial)


@pytest.mark.parametrize("polynomial", [0b100, 0b101, 0b110, 0b1001, 0b10001, 0x11A, RESTIC ^ 1])
def test_known_reducible_polynomials_are_recognised(polynomial: int) -> None:
    assert not is_irreducible(polynomial)


def test_a_product_is_reducible_and_shares_its_factors() -> None:
    left, right = 0x11B, RESTIC

    both = product(left, right)

    assert not is_irreducible(both)
    assert greatest_common_divisor(both, right) == right
    assert multiply_modulo(left, right, right) == 0


def test_all_of_small_degree_agree_with_trial_division() -> None:
    for polynomial in range(2, 256):
        factors = range(2, 1 << (polynomial.bit_length() // 2 + 1))
        expected = not any(
            product(factor, other) == polynomial
            for factor in factors
            for other in range(2, polynomial)
        )

        assert is_irreducible(polynomial) == expected


def test_a_drawn_polynomial_has_the_degree_restic_wants() -> None:
    drawn = random_irreducible()

    assert drawn.bit_length() == DEGREE + 1
    assert is_irreducible(drawn)


@pytest.mark.parametrize(
    "content",
    [
        b'{"version":2,"id":"%s","chunker_polynomial":"3da3358b4dc172"}' % (b"0" * 64),
        b'{"version":2,"id":"%s","chunker_polynomial":"7"}' % (b"0" * 64),
        b'{"version":2,"id":"%s","chunker_polynomial":"no"}' % (b"0" * 64),
        b'{"version":2,"id":"../../etc","chunker_polynomial":"3da3358b4dc173"}',
        b'{"version":"2"}',
        b"[" * 100_000,
    ],
)
def test_a_config_nobody_could_use_is_refused(content: bytes) -> None:
    with pytest.raises(FileUnreadable):
        parse_config(content)


def test_a_config_of_restic_is_read() -> None:
    content = b'{"version":2,"id":"%s","chunker_polynomial":"3da3358b4dc173"}' % (b"a" * 64)

    assert parse_config(content).chunker_polynomial == f"{RESTIC:x}"
