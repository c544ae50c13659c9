"""How recovery points and what is in them are told."""

from typing import TYPE_CHECKING

from holdfast.base.texts import _, ngettext
from holdfast.base.units import format_size
from holdfast.cli import json_events, shown
from holdfast.cli.json_reports import path_base64, path_text
from holdfast.cli.output import Output, encodable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from holdfast.app.points import Difference, Entry
    from holdfast.base.ids import SnapshotId
    from holdfast.vault.snapshot import Snapshot

_SHORT = 8
_SIGNS = {"added": "+", "removed": "-", "changed": "M", "touched": "U"}


def tell_points(out: Output, points: "Sequence[Snapshot]") -> None:
    head = (_("Point"), _("Time"), _("Host"), _("Size"), _("Tags"), _("Paths"))
    lines = shown.table([head, *map(_row, points)])
    count = ngettext("{count} recovery point", "{count} recovery points", len(points))
    if points:
        out.remark(lines[0])
    for point, line in zip(points, lines[1:], strict=True):
        out.show(point_event(point), line)
    out.remark(count.format(count=f"{len(points):,}"))


def tell_point(out: Output, point: "Snapshot") -> None:
    stored, summary = point.stored, point.stored.summary
    rows = [
        (_("Point"), point.id),
        (_("Time"), shown.moment(point.taken_at)),
        (_("Host"), shown.line(point.host)),
        (_("User"), shown.line(stored.username)),
        (_("Paths"), "\n".join(map(shown.line, point.paths))),
        (_("Tags"), shown.line(", ".join(sorted(point.tags)))),
        (_("Parent"), stored.parent),
        (_("Made by"), shown.line(stored.program_version)),
    ]
    if summary is not None:
        rows += [
            (_("Files"), f"{summary.total_files_processed:,}"),
            (_("Size"), format_size(summary.total_bytes_processed)),
            (_("Added"), format_size(summary.data_added_packed)),
        ]
    out.show(point_event(point), *shown.table([row for row in rows if row[1]]))


def tell_entry(out: Output, entry: "Entry") -> None:
    import stat

    node = entry.node
    mode = stat.filemode(_unix_mode(node.type, node.mode))
    target = f" -> {shown.path(node.raw_target)}" if node.type == "symlink" else ""
    owner = f"{node.user or node.uid}:{node.group or node.gid}"
    when = node.mtime[:19].replace("T", " ")
    event = json_events.Entry(
        path=path_text(entry.path),
        path_base64=path_base64(entry.path),
        kind=node.type,
        size=node.size,
        mode=node.mode,
        uid=node.uid,
        gid=node.gid,
        user=node.user,
        group=node.group,
        mtime=node.mtime,
        target=encodable(node.linktarget) if node.type == "symlink" else None,
    )
    line = f"{mode}  {owner:<15} {format_size(node.size):>9}  {when}  {shown.path(entry.path)}"
    out.show(event, line + target)


def tell_difference(out: Output, found: "Difference") -> None:
    event = json_events.Difference(
        path=path_text(found.path),
        path_base64=path_base64(found.path),
        change=found.change.value,
        kind=found.kind,
    )
    out.show(event, f"{_SIGNS[found.change.value]}  {shown.path(found.path)}")


def point_event(point: "Snapshot") -> json_events.Point:
    stored, summary = point.stored, point.stored.summary
    return json_events.Point(
        id=point.id,
        time=stored.time,
        host=point.host,
        username=stored.username,
        paths=stored.paths,
        tags=stored.tags,
        tree=stored.tree,
        parent=stored.parent or None,
        program=stored.program_version,
        files=summary.total_files_processed if summary else None,
        bytes=summary.total_bytes_processed if summary else None,
        bytes_added=summary.data_added_packed if summary else None,
    )


def _row(point: "Snapshot") -> tuple[str, ...]:
    summary = point.stored.summary
    return (
        point.id[:_SHORT],
        shown.moment(point.taken_at),
        shown.line(point.host),
        format_size(summary.total_bytes_processed) if summary else "-",
        shown.line(",".join(sorted(point.tags))),
        shown.line(" ".join(point.paths)),
    )


def _unix_mode(kind: str, mode: int) -> int:
    """Go's mode bits, as restic keeps them, in the places where Unix has them."""
    import stat

    kinds = {
        "dir": stat.S_IFDIR,
        "symlink": stat.S_IFLNK,
        "fifo": stat.S_IFIFO,
        "socket": stat.S_IFSOCK,
        "dev": stat.S_IFBLK,
        "chardev": stat.S_IFCHR,
    }
    special = (1 << 23, stat.S_ISUID), (1 << 22, stat.S_ISGID), (1 << 20, stat.S_ISVTX)
    bits = sum(unix for go, unix in special if mode & go)
    return kinds.get(kind, stat.S_IFREG) | bits | (mode & 0o777)


def tell_tags(out: Output, changed: "Mapping[SnapshotId, SnapshotId]") -> None:
    sentence = _("Recovery point {old} is now {new}")
    for old, new in changed.items():
        event = json_events.TagsChanged(former=old, point=new)
        out.done(event, sentence.format(old=old[:_SHORT], new=new[:_SHORT]))
    if not changed:
        out.remark(_("Nothing had to be changed"))
