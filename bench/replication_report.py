"""What replication is asked, and how it is measured."""

from bench.page import REPLICATION
from bench.questions import Measure, Question
from bench.questions_report import Chapter

IDEAL = "the link alone"
RSYNC = "rsync --inplace"
NO_CYCLES = "no cycles"
DIRTY = (2, 10, 50, 200)
SIZES = (1, 16, 64)
MACHINES_AT_ONCE = (1, 4, 16)

QUESTIONS = (
    Question(
        work="shipped",
        what="shipped for each byte written, in pieces of 64 KiB at random places",
        unit="B",
        target=1.3,
    ),
    Question(work="shipped small", what="the same, in pieces of 4 KiB", unit="B"),
    *(
        Question(
            work="slow link",
            what="cycle of 50 MB over a link of 100 Mbit/s",
            unit="s",
            measure=Measure.SHARE,
            peer=peer,
            target=target,
        )
        for peer, target in ((IDEAL, 1.5), (RSYNC, None))
    ),
    *(Question(work=f"dirty {dirty}", what=f"cycle of {dirty} MB", unit="s") for dirty in DIRTY),
    *(
        Question(
            work=f"size {size}",
            what=f"cycle of 64 KiB, disk of {size} GiB",
            unit="s",
            target=1.5 if size == max(SIZES) else None,
        )
        for size in SIZES
    ),
    *(
        Question(
            work=f"at once {count}",
            what=f"carried by one link for {count} machine{'s' * (count > 1)} at once",
            unit="MB/s",
        )
        for count in MACHINES_AT_ONCE
    ),
    Question(
        work="guest writes",
        what="guest writes 64 MiB while cycles follow each other",
        unit="s",
        measure=Measure.SHARE,
        peer=NO_CYCLES,
    ),
)
_HOW = """\
### How replication is measured

Two libvirt hosts of one machine, in namespaces of their own, are joined by a virtual cable; `holdfast replication run` and `serve` work on them as processes of their own, enabled by commands. So source, site and guests share the processors, and both sides write to the same file system.
A cycle is asked for and lasts from when it is begun to when the site has acknowledged the point: durable there, and able to be started. What is written before it cannot be compressed, so that what is shipped is what there is before compression.
*The link alone* is what the written bytes take at the link's rate, which is what a replication that sends each block as it is written could reach at best. `rsync --inplace` brings the same image up to date over the same link, from a daemon, while nothing writes to it: it has no points, reads both copies whole, and leaves a torn image if it is stopped.
The slow link is a token bucket filter on both ends. A disk's image is in QEMU's own format and holds little beside what is written for the measurement.
The guest that writes is a small Linux, emulated where the processor has no virtualization to offer; its writes go past its cache. For the other rows machines are used whose processor stands still, and which are written to by order, so that nothing else is dirty.
"""
CHAPTER = Chapter(
    heading=REPLICATION, origin="Written by `./run bench replication --write-docs`.", how=_HOW
)
