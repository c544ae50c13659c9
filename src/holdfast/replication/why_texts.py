"""What happened to a replication, and why everything had to be compared, in words."""

from collections.abc import Mapping
from typing import Final

from holdfast.base.texts import N_, _
from holdfast.machines import downgrades, tracking

WHATS: Final[Mapping[str, str]] = {
    "enabled": N_("enabled"),
    "first-copy": N_("first copy"),
    "resync": N_("resync"),
    "rung": N_("changes found in a dearer way"),
    "downgraded": N_("point downgraded"),
    "merged": N_("queue merged"),
    "paused": N_("paused"),
    "resumed": N_("resumed"),
    "moved": N_("machine moved"),
    "resized": N_("disk resized"),
    "disks-changed": N_("disks changed"),
    "images-changed": N_("images changed"),
    "audit": N_("audit"),
    "spool-stopped": N_("spooling stopped"),
    "gave-up": N_("given up"),
    "failed-over": N_("failed over"),
    "clock-set": N_("clock changed"),
    "not-started": N_("not started with its host"),
}
WHYS: Final[Mapping[str, str]] = {
    "ordered": N_("somebody asked for it"),
    "generation-unknown": N_("the replica holds another instant than the source knows"),
    "replica-missing": N_("there is no replica at the site any more"),
    "replica-rolled-back": N_("the replica was put back to an older instant"),
    "replica-was-written": N_("something has written to the replica"),
    "source-rolled-back": N_("a disk here was put back to an older instant"),
    "revert-refused": N_(
        "somebody tried to go back to a snapshot within the images, which QEMU refuses while "
        "changes are recorded; that has switched the machine off"
    ),
    "spool-lost": N_("change logs were lost before they were sent"),
    "map-contradicted": N_("the site has other content than the record of changes says"),
    "walk-lost": N_("a comparison had to begin anew"),
    "much-changed": N_("more has changed than the spool can hold, so it is sent in slices"),
    "reprotect": N_("the machine came from there, and goes on being protected to there"),
    "disk-added": N_("a disk was added"),
    "disk-removed": N_("a disk was removed"),
    "clock-ahead": N_("the clock here jumped ahead: it was set, or this host slept"),
    "clock-back": N_("the clock here was set back"),
    "disk-grew": N_("a disk has grown"),
    "disk-shrank": N_("a disk has shrunk"),
    "image-above": N_("somebody took a snapshot in a file of its own"),
    "image-merged": N_("images of a snapshot were merged"),
    "image-elsewhere": N_("a disk lies in another image now"),
    "queue-long": N_("several change logs were waiting"),
    "site-away": N_("the site did not answer"),
    "host-moved": N_("the machine came from another host"),
}


def what_text(code: str) -> str:
    text = WHATS.get(code)
    return _(text) if text else code


def why_text(code: str) -> str:
    """A code of ours, of a rung or of a downgrade; one of a newer release stays a code."""
    text = WHYS.get(code) or downgrades.TEXTS.get(code)
    return _(text) if text else tracking.reason_text(code)
