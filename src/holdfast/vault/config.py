"""The config file: what a repository is, once and for ever."""

import secrets

import msgspec

from holdfast.base.ids import is_file_id
from holdfast.vault.errors import FileUnreadable
from holdfast.vault.polynomial import DEGREE, is_irreducible, random_irreducible

CONFIG = "config"
VERSION = 2


class Config(msgspec.Struct, frozen=True):
    version: int
    id: str
    chunker_polynomial: str


def new_config() -> Config:
    return Config(VERSION, secrets.token_hex(32), f"{random_irreducible():x}")


def encode_config(config: Config) -> bytes:
    return msgspec.json.encode(config)


def parse_config(content: bytes | bytearray) -> Config:
    """Read a decrypted config; other clients keep more fields in it, which is fine."""
    try:
        config = msgspec.json.decode(content, type=Config)
        polynomial = int(config.chunker_polynomial, 16)
    except (msgspec.DecodeError, ValueError, RecursionError) as err:
        raise FileUnreadable(name=CONFIG, reason=err) from err
    if not is_file_id(config.id):
        # It names a folder in scratch.
        raise FileUnreadable(name=CONFIG, reason=f"impossible id {config.id[:80]!r}")
    if polynomial.bit_length() != DEGREE + 1 or not is_irreducible(polynomial):
        raise FileUnreadable(name=CONFIG, reason="the chunker polynomial is not irreducible")
    return config
