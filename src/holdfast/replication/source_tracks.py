"""How each disk of a machine is read in a step, or why a walk must come first. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from holdfast.machines.points import Rung
from holdfast.machines.tracking import DiskNow, Track, Why, choose_track
from holdfast.replication.source_facts import Generation, How, WalkDisk

# What no walk mends: it is compared in the step.
_COMPARED_AT_ONCE = (Why.NO_MAP, Why.NO_CHECKPOINT)


def choose_tracks(disks: Iterable[DiskNow], base: Generation | None) -> dict[str, Track]:
    """The cheapest legal way for each; a disk the base has not is read as a whole."""
    tracks = {}
    for now in disks:
        before = base.disk(now.target) if base else None
        tracks[now.target] = choose_track(now, before.facts if before else None)
    return tracks


def must_walk(disks: Iterable[DiskNow], tracks: Mapping[str, Track]) -> Why | None:
    """Why the record of a disk that can be recorded cannot be used; None if all can."""
    for now in disks:
        track = tracks[now.target]
        if track.rung is Rung.HASH and track.why not in _COMPARED_AT_ONCE:
            return track.why
    return None


def has_compared(tracks: Mapping[str, Track]) -> bool:
    """Whether the replica must be asked while the step is made."""
    return any(track.rung is Rung.HASH for track in tracks.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkOver:
    """What a walk is to be about."""

    disks: tuple[WalkDisk, ...]

    @property
    def is_needed(self) -> bool:
        return bool(self.disks)


def walk_over(
    disks: Iterable[DiskNow],
    *,
    base: Generation | None,
    there: Mapping[str, int],
    distrusted: Collection[str],
    formats: Mapping[str, str],
    united: Collection[str] | None = None,
) -> WalkOver:
    """Disks that can be recorded; those that cannot are read in the step that ends the walk.

    `there` is what the site's newest point has, by size; `base` is the generation it is, if its
    records can be trusted at all; those of `distrusted` are not, "*" being every disk. Of an
    adopted one that is half of what may differ: `united` are the disks whose other half is known.
    """
    found = []
    for now in disks:
        if not now.can_record:
            continue
        size_there = there.get(now.target, 0)
        is_trusted = not {now.target, "*"} & {*distrusted}
        before = base.disk(now.target) if base and is_trusted else None
        track = choose_track(now, before.facts if before else None)
        is_sound = track.rung is Rung.BITMAP and before is not None and bool(size_there)
        if is_sound and united is None:
            how = How.CHANGES
        elif is_sound and united is not None and now.target in united:
            how = How.UNION
        else:
            is_sound, how = False, How.COMPARE if size_there else How.FULL
        found.append(
            WalkDisk(
                target=now.target,
                size=now.size,
                format=formats.get(now.target, "raw"),
                how=how,
                why=track.why.value,
                checkpoint=(track.since or "") if is_sound else "",
                before=before.size if before and is_sound else 0,
                drift=before.drift if before and is_sound else (),
                there=size_there,
            )
        )
    return WalkOver(disks=tuple(found))
