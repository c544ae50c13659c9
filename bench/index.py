"""`python -m bench.index [BLOBS …]`: how long a vault with so many blobs takes to open.

Index files are made of hashes; no pack exists. Each opening is a process of its own.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from holdfast.storage.directory import DirectoryStorage
from holdfast.testing.big_index import add_index
from holdfast.testing.vaults import small_vault

_OPEN = """
import json, sys, time
from holdfast.storage.directory import DirectoryStorage
from holdfast.testing.big_index import blob_at
from holdfast.testing.vaults import open_vault
from holdfast.vault.pack_header import Kind
def peak():
    # Not ru_maxrss, which begins with the memory of the process that started this one.
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
vault = open_vault(DirectoryStorage(sys.argv[1]))
vault.cache = sys.argv[2]
start = time.perf_counter()
index = vault.index
opened = time.perf_counter()
ids = [blob_at(number) for number in range(0, int(sys.argv[3]), max(1, int(sys.argv[3]) // 100_000))]
found = time.perf_counter()
assert all(index.has(Kind.DATA, blob) or index.has(Kind.TREE, blob) for blob in ids)
print(json.dumps({
    "open": opened - start,
    "lookup": (time.perf_counter() - found) / len(ids) * 1e6,
    "memory": peak() / 1024,
}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.index")
    parser.add_argument("blobs", type=int, nargs="*", default=[1_000_000])
    for blobs in parser.parse_args().blobs:
        with tempfile.TemporaryDirectory() as folder:
            _measure(Path(folder), blobs)


def _measure(folder: Path, blobs: int) -> None:
    storage = DirectoryStorage(str(folder / "vault"))
    storage.create_root()
    add_index(small_vault(storage), blobs)
    (folder / "cache").mkdir()
    for state in ("cold", "cached"):
        command = [sys.executable, "-c", _OPEN, str(folder / "vault"), str(folder / "cache")]
        done = subprocess.run([*command, str(blobs)], check=True, capture_output=True, text=True)
        found = json.loads(done.stdout)
        print(
            f"{blobs:>10,} blobs, {state:6}: opened in {found['open']:.2f} s, "
            f"{found['lookup']:.1f} us a lookup, {found['memory']:.0f} MiB at the peak"
        )


if __name__ == "__main__":
    main()
