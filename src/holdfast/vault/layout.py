"""Where things lie in a repository. Format: restic design document, "Repository Layout"."""

from holdfast.base.ids import PackId

KEYS = "keys"
LOCKS = "locks"
SNAPSHOTS = "snapshots"
INDEX = "index"
DATA = "data"
# Ours: files restic does not list, and that can all be lost without losing data.
OWN = "holdfast"


def pack_path(pack: PackId) -> str:
    name = pack.hex()
    return f"{DATA}/{name[:2]}/{name}"
