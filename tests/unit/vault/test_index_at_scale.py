"""A million blobs open in bounded memory; times are for the benchmark."""

import subprocess
import sys
from pathlib import Path

import pytest

from holdfast.storage.directory import DirectoryStorage
from holdfast.testing.big_index import add_index
from holdfast.testing.vaults import small_vault

BLOBS = 1_000_000
# 48 bytes a blob in the table and as many while it is made; the rest is room to breathe.
BYTES_PER_BLOB = 150

OPEN = """
import sys
from holdfast.storage.directory import DirectoryStorage
from holdfast.testing.big_index import blob_at
from holdfast.testing.vaults import open_vault
from holdfast.vault.pack_header import Kind
import numpy, msgspec
def peak():
    # Not ru_maxrss, which begins with the memory of the process that started this one.
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
before = peak()
vault = open_vault(DirectoryStorage(sys.argv[1]))
vault.cache = sys.argv[2] or None
index = vault.index
assert len(index) == int(sys.argv[3]), len(index)
assert index.recent_blobs == 0
for number in range(0, len(index), 997):
    assert index.has(Kind.DATA, blob_at(number)) or index.has(Kind.TREE, blob_at(number))
print((peak() - before) * 1024)
"""


def memory_to_open(vault: Path, cache: str) -> int:
    arguments = [sys.executable, "-c", OPEN, str(vault), cache, str(BLOBS)]
    done = subprocess.run(arguments, check=True, capture_output=True, text=True)
    return int(done.stdout)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_million_blobs_take_few_bytes_each(tmp_path: Path) -> None:
    storage = DirectoryStorage(str(tmp_path / "vault"))
    storage.create_root()
    add_index(small_vault(storage), BLOBS)
    cache = tmp_path / "cache"
    cache.mkdir()

    without = memory_to_open(tmp_path / "vault", "")
    making = memory_to_open(tmp_path / "vault", str(cache))
    cached = memory_to_open(tmp_path / "vault", str(cache))

    assert without < BLOBS * BYTES_PER_BLOB
    assert making < BLOBS * BYTES_PER_BLOB
    assert cached < BLOBS * 60
