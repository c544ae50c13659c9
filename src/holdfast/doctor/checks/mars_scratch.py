"""The scratch folder of the MARS agent: room, place, key, attributes, and the snapshots beside it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from holdfast.doctor.checking import Params, check
from holdfast.doctor.checks.mars_signs import (
    CONFIG,
    DEFAULT_SCRATCH,
    by_signs,
    concerns,
    denial,
    signs,
)
from holdfast.doctor.factbase import Facts
from holdfast.doctor.facts import FileSeen, Volume
from holdfast.doctor.mars_facts import FolderAttributes, ScratchListing, TempFiles
from holdfast.doctor.model import Span, Verdict, confirmed, ruled_out, unknown
from holdfast.doctor.open_records import spans
from holdfast.doctor.windows_facts import FolderListing, RegistryValue, ShadowStorage

UNSUPPORTED = {"compressed", "encrypted", "sparsefile", "reparsepoint"}
MIB = 1 << 20
GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Place:
    """Where the scratch folder is said to be, and the line that says so."""

    path: str
    span: Span | None = None

    @property
    def drive(self) -> str:
        return self.path[:2].upper()


def settings(facts: Facts) -> list[RegistryValue]:
    return [
        one
        for one in facts.of(RegistryValue)
        if (one.name or "").lower() == "scratchlocation" and CONFIG in one.key.lower()
    ]


def places(facts: Facts) -> list[Place]:
    """From the registry, else from a listing, else where the installer puts it."""
    named = [Place(one.value, one.span) for one in settings(facts) if one.value]
    listed = [Place(one.path, one.span) for one in facts.of(ScratchListing) if ":\\" in one.path]
    return named or listed or [Place(DEFAULT_SCRATCH)]


@check("mars.scratch-low")
def scratch_low(facts: Facts, params: Params) -> Verdict:
    said = signs(facts, "mars.out-of-room", "mars.out-of-room-said")
    least, advised = params.number("min_free"), params.number("advised")
    where = places(facts)
    drives = {place.drive for place in where}
    volumes = [one for one in facts.of(Volume) if one.path[:2].upper() in drives and one.size]
    values = {"place": where[0].path, "limit": f"{least:.0%}"}
    low = [one for one in volumes if one.free_ratio < (advised if said else least)]
    if low and concerns(facts):
        worst = min(low, key=lambda one: one.free_ratio)
        seen = f"{worst.free / GIB:.1f} GiB ({worst.free_ratio:.1%})"
        return confirmed(*(one.span for one in low), *spans(said), seen=seen, **values)
    if volumes and not low:
        return ruled_out(*(one.span for one in volumes))
    if said:
        code = re.search(r"SalLowDiskSpace|0x800700\w\w", said[-1].text)
        return by_signs(said, seen=code.group(0) if code else "0x80070070", **values)
    return denial(facts, "mars.out-of-room") or unknown("windows.volumes", "windows.registry")


@check("mars.scratch-moved-wrong")
def scratch_moved_wrong(facts: Facts, _: Params) -> Verdict:
    """Two registry values must agree, and what they name must be a folder that was copied."""
    known = [one for one in settings(facts) if one.value]
    paths = {_tidy(one.value) for one in known}
    if len(paths) > 1:
        first, second = known[0], next(o for o in known if _tidy(o.value) != _tidy(known[0].value))
        return confirmed(first.span, second.span, first=first.value, second=second.value)
    for listing in facts.of(ScratchListing):
        empty = listing.complete and not (listing.used or listing.has_key)
        if known and empty and _tidy(listing.path) in paths:
            return confirmed(
                known[0].span, listing.span, first=known[0].value, second=known[-1].value
            )
    both = {one.key.lower().endswith("cloudbackupprovider") for one in known}
    if len(both) > 1:
        return ruled_out(*(one.span for one in known))
    return unknown("windows.registry")


def _tidy(path: str) -> str:
    return path.strip().strip('"').replace("/", "\\").rstrip("\\").lower()


@check("mars.scratch-unreachable")
def scratch_unreachable(facts: Facts, _: Params) -> Verdict:
    where = places(facts)
    wanted = _paths(where)
    absent = [one for one in facts.of(FileSeen) if one.size is None]
    gone = [o for o in absent if _tidy(o.path) in wanted or _tidy(o.path).endswith("scratch")]
    if gone:
        return confirmed(*(one.span for one in gone), place=gone[0].path)
    # One line for each: a list of all volumes, not the answer about one that was asked for.
    volumes = [one for one in facts.of(Volume) if one.span.first == one.span.last]
    lettered = {one.path[:2].upper() for one in volumes if re.match(r"[A-Za-z]:", one.path)}
    for place in where:
        if place.span and len(lettered) > 1 and place.drive not in lettered:
            return confirmed(place.span, *(one.span for one in volumes), place=place.path)
    said = signs(facts, "mars.scratch-gone")
    if said:
        return by_signs(said, place=where[0].path)
    listed = [one for one in facts.of(ScratchListing) if one.used or one.has_key]
    if listed:
        return ruled_out(*(one.listed for one in listed))
    return denial(facts, "mars.scratch-gone") or unknown(
        "mars.scratch-listing", "windows.registry", "windows.volumes"
    )


def _paths(where: Iterable[Place]) -> set[str]:
    return {_tidy(place.path) for place in where}


@check("mars.kek-missing")
def kek_missing(facts: Facts, _: Params) -> Verdict:
    listings = list(facts.of(ScratchListing))
    there = [one for one in listings if one.has_key]
    if there:
        return ruled_out(*(one.span for one in there))
    without = [one for one in listings if one.complete]
    if without:
        return confirmed(*(one.span for one in without), place=without[0].path)
    said = signs(facts, "mars.kek")
    if said:
        return by_signs(said, place=places(facts)[0].path)
    return denial(facts, "mars.kek") or unknown("mars.scratch-listing")


@check("mars.scratch-attributes", needs=(FolderAttributes,))
def scratch_attributes(facts: Facts, _: Params) -> Verdict:
    wanted = _paths(places(facts))
    known = [
        one
        for one in facts.of(FolderAttributes)
        if _tidy(one.path) in wanted or "scratch" in one.path.lower()
    ]
    bad = [one for one in known if one.attributes & UNSUPPORTED]
    if bad:
        words = ", ".join(sorted(bad[0].attributes & UNSUPPORTED))
        return confirmed(*(one.span for one in bad), place=bad[0].path, attributes=words)
    return ruled_out(*(one.span for one in known)) if known else unknown("mars.scratch-attributes")


@check("mars.shadow-storage")
def shadow_storage(facts: Facts, params: Params) -> Verdict:
    full = signs(facts, "mars.shadow-full")
    areas = [one for one in facts.of(ShadowStorage) if one.maximum is not None]
    small = [one for one in areas if (one.maximum or 0) < params.number("min_mib") * MIB]
    if small and concerns(facts):
        least = min(small, key=lambda one: one.maximum or 0)
        return confirmed(
            *(one.span for one in small),
            *spans(full),
            volume=least.volume,
            maximum=f"{(least.maximum or 0) / MIB:.0f} MiB",
        )
    if full and concerns(facts):
        return by_signs(full, volume="?", maximum="?")
    every = list(facts.of(ShadowStorage))
    if every:
        return ruled_out(*(one.span for one in every))
    return denial(facts, "mars.shadow-full") or unknown("windows.vss.shadowstorage")


@check("mars.temp-full", needs_any=(TempFiles, FolderListing))
def temp_full(facts: Facts, params: Params) -> Verdict:
    most = params.number("max_files")
    counted = [(one.span, one.path, one.count) for one in facts.of(TempFiles)]
    counted += [
        (one.span, one.path, one.count(".tmp"))
        for one in facts.of(FolderListing)
        if re.search(r"windows\\temp\\?$", one.path, re.IGNORECASE)
    ]
    many = [(span, path, count) for span, path, count in counted if count > most]
    if many:
        _, path, count = many[0]
        return confirmed(*(one[0] for one in many), count=count, place=path, limit=int(most))
    return ruled_out(*(one[0] for one in counted)) if counted else unknown("mars.windows-temp")
