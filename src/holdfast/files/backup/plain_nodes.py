"""Nodes of plain files, written without the detour over a Node: they are nearly all there are.

The bytes are exactly those that files.nodes and vault.tree make; a test compares them.
"""

import re
from functools import lru_cache

from holdfast.files.nodes import Status, make_node
from holdfast.vault.tree import encode_nodes, format_time

# Neither Go's quoting nor JSON's changes such a name.
_PLAIN_NAME = re.compile(rb"[ !#-%'-;=?-\[\]-~]+").fullmatch


class _Sample:
    """The status of a file without anything that differs between files of one owner and mode."""

    st_ino = st_nlink = st_size = st_mtime_ns = st_ctime_ns = st_rdev = 0

    def __init__(self, mode: int, uid: int, gid: int) -> None:
        self.st_mode, self.st_uid, self.st_gid = mode, uid, gid


def plain_node(name: bytes, status: Status, blob: bytes) -> bytes | None:
    """The encoded node of a file of one blob without attributes; None when it is not so plain."""
    if status.st_nlink != 1 or not _PLAIN_NAME(name):
        return None
    before_times, after_times = _frame(status.st_mode, status.st_uid, status.st_gid)
    changed, inode_changed = status.st_mtime_ns, status.st_ctime_ns
    mtime = format_time(changed)
    ctime = mtime if inode_changed == changed else format_time(inode_changed)
    return (
        f'{{"name":"{name.decode()}"{before_times}"mtime":"{mtime}","atime":"{mtime}"'
        f',"ctime":"{ctime}"{after_times},"inode":{status.st_ino},"size":{status.st_size}'
        f',"links":1,"content":["{blob.hex()}"]}}'
    ).encode()


@lru_cache(maxsize=1024)
def _frame(mode: int, uid: int, gid: int) -> tuple[str, str]:
    """What all files of one owner and mode have in common, before their times and after them."""
    text = encode_nodes([make_node(b"", _Sample(mode, uid, gid))]).decode()
    before, _, rest = text.removeprefix('{"name":""').partition('"mtime":')
    return before, ',"uid":' + rest.partition(',"uid":')[2].removesuffix(',"content":[]}')
