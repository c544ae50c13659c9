"""What virtual machines are asked about their points, and how it is measured."""

from collections.abc import Iterable

from bench.machines_guest import LOCAL, NO_BACKUP
from bench.page import MACHINES
from bench.questions import US, Measure, Question
from bench.questions_report import Chapter

QUESTIONS = (
    *(
        Question(
            work="full",
            what="full backup of the image",
            unit="s",
            measure=Measure.SPEED,
            peer=peer,
            target=target,
        )
        for peer, target in (
            ("restic", 2.0),
            ("nbdcopy | zstd -1", 0.6),
            ("nbdcopy | zstd -1 -T0", None),
            ("borg", None),
            ("qemu-img convert", None),
        )
    ),
    Question(
        work="restore",
        what="restore of the image to a raw file",
        unit="s",
        measure=Measure.SPEED,
        peer="restic",
    ),
    Question(
        work="increment one run",
        what="increment of the image, 2 MB changed in one place",
        unit="s",
        target=1.0,
    ),
    Question(
        work="increment scattered",
        what="increment of the image, 2 MB changed in 32 places",
        unit="s",
        target=1.0,
    ),
    Question(work="stored one run", what="stored for each byte changed, one place", unit="B"),
    Question(work="stored scattered", what="stored for each byte changed, 32 places", unit="B"),
    Question(
        work="cycle", what="`backup --vm` of a guest, 2 MB changed in a file", unit="s", target=1.0
    ),
    Question(work="stored guest", what="stored for each byte written in that file", unit="B"),
    Question(work="freeze", what="freeze to thaw", unit="ms", target=250.0),
    Question(
        work="first writes",
        what="guest overwrites 256 MiB while a backup is open",
        unit="s",
        measure=Measure.SHARE,
        peer=NO_BACKUP,
    ),
    Question(
        work="further writes",
        what="guest overwrites them again",
        unit="s",
        measure=Measure.SHARE,
        peer=NO_BACKUP,
    ),
    Question(
        work="boot",
        what="instant restore, to the agent's answer",
        unit="s",
        measure=Measure.SHARE,
        peer=LOCAL,
        target=1.5,
    ),
)
_HOW = """\
### How virtual machines are measured

The image is a raw disk of 4 GiB at scale 1 (noise, text, written zeros, holes), read once beforehand by everyone; each round has empty vaults and another one first, and after each run dirty pages are written out. Those without a target take part in the first round only.
A cell shows the median and, in brackets, the lowest and the highest of the rounds. A ratio is made in each round of its own, of runs close to each other in time, and *met* is the verdict on the median of these; where rounds disagree with it, it is said how many agree.
*x speed* is their time divided by ours: 2 means that we need half of their time. *x* alone is our time divided by theirs.
Ours reads the image over NBD from `qemu-nbd`, as `backup --vm` reads the disks of a machine; starting it, the program itself, and opening the vault are in its time. `nbdcopy` reads it the same way. Restic, borg and `qemu-img` read the file itself.
We and restic hash, encrypt and sync what we store; the copies do none of that: they are a limit, not rivals. A restored image is synced by us and by nobody else; in the first round it is compared with the original.
For an increment the image gets a qcow2 layer on top which records what is written; the layer is served like the image, and only what its record names is read.
The guest is a small Linux of 128 MiB under libvirt with two disks. Where the processor has no virtualization to offer, it is emulated, and everything that waits for the guest (its freeze, its start) is slower than elsewhere, for the local disk as well as for ours.
Writes in the guest go past its cache in pieces of 64 KiB. Once for each piece QEMU saves the old content for an open backup; *again* is when that has been done.
"""
CHAPTER = Chapter(
    heading=MACHINES, origin="Written by `./run bench machines --write-docs`.", how=_HOW
)


def only_shown(names: Iterable[str]) -> frozenset[str]:
    """Those against whom nothing is held; we are in every comparison."""
    rivals = {question.peer for question in QUESTIONS if question.target is not None}
    return frozenset(names) - rivals - {US}
