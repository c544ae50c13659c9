"""The irreducible polynomial every repository carries, because restic refuses one without.

We cut files in another way and never use it, but stock clients that add to our vaults do.
Polynomials over GF(2) are ints: bit n is the coefficient of x^n.
"""

import secrets

DEGREE = 53


def multiply_modulo(a: int, b: int, modulus: int) -> int:
    degree = modulus.bit_length() - 1
    product = 0
    while b:
        if b & 1:
            product ^= a
        b >>= 1
        a <<= 1
        if a >> degree & 1:
            a ^= modulus
    return product


def greatest_common_divisor(a: int, b: int) -> int:
    while b:
        while a.bit_length() >= b.bit_length():
            a ^= b << (a.bit_length() - b.bit_length())
        a, b = b, a
    return a


def is_irreducible(polynomial: int) -> bool:
    """Ben-Or's test: no factor of degree i divides x^(2^i) - x, for i up to half the degree."""
    x = 0b10
    power = x
    for _ in range((polynomial.bit_length() - 1) // 2):
        power = multiply_modulo(power, power, polynomial)
        if greatest_common_divisor(polynomial, power ^ x) != 1:
            return False
    return True


def random_irreducible() -> int:
    while True:
        # The top bit fixes the degree; without the bottom bit x itself is a factor.
        candidate = secrets.randbits(DEGREE + 1) | 1 << DEGREE | 1
        if is_irreducible(candidate):
            return candidate
