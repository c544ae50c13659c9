"""What a volume holds, by the marks at its beginning. Pure, but for the reads it is given."""

from dataclasses import dataclass

from holdfast.machines.partitions import Read

_LOOK = 68 << 10
_EXT_FEATURES = 1024 + 92
_HAS_JOURNAL = 0x4
_EXT4_ONLY = 0x2C0  # extents, 64bit, flex_bg


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """`kind` as `mount -t` takes it, where it is a file system; empty: nothing known."""

    kind: str = ""
    label: str = ""

    @property
    def is_file_system(self) -> bool:
        return self.kind in MOUNTABLE


MOUNTABLE = frozenset(("ext2", "ext3", "ext4", "xfs", "btrfs", "vfat", "ntfs3", "iso9660"))
LVM, LUKS, SWAP = "lvm2", "luks", "swap"


def look(read: Read, size: int) -> Content:
    head = read(0, min(_LOOK, size)).ljust(_LOOK, b"\0")
    if head[1080:1082] == b"\x53\xef":
        return Content(kind=_ext(head), label=_text(head[1144:1160]))
    if head.startswith(b"XFSB"):
        return Content(kind="xfs", label=_text(head[108:120]))
    if head[65600:65608] == b"_BHRfS_M":
        return Content(kind="btrfs", label=_text(head[65835:66091]))
    return Content(kind=_by_mark(head))


def _by_mark(head: bytes) -> str:
    if any(head[at : at + 8] == b"LABELONE" for at in range(0, 2048, 512)):
        return LVM
    marks = (
        (0, b"LUKS\xba\xbe", LUKS),
        (4086, b"SWAPSPACE2", SWAP),
        (3, b"NTFS    ", "ntfs3"),
        (82, b"FAT32   ", "vfat"),
        (54, b"FAT16   ", "vfat"),
        (54, b"FAT12   ", "vfat"),
        (32769, b"CD001", "iso9660"),
    )
    return next((kind for at, mark, kind in marks if head[at : at + len(mark)] == mark), "")


def _ext(head: bytes) -> str:
    compatible = int.from_bytes(head[_EXT_FEATURES : _EXT_FEATURES + 4], "little")
    needed = int.from_bytes(head[_EXT_FEATURES + 4 : _EXT_FEATURES + 8], "little")
    if needed & _EXT4_ONLY:
        return "ext4"
    return "ext3" if compatible & _HAS_JOURNAL else "ext2"


def _text(raw: bytes) -> str:
    return raw.split(b"\0")[0].decode("utf-8", "replace")
