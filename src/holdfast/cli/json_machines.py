"""The JSON lines of commands about virtual machines; `json_events` has all others."""

from typing import Any

from holdfast.cli.json_base import Event


class Vm(Event):
    """`vm list` and `vm status`: a virtual machine, and what is against protecting it."""

    name: str
    uuid: str
    # running, paused, off, …; null when it could not be looked at.
    state: str | None
    state_reason: str | None
    # whole, partly or not.
    protectable: str | None
    # The best its points can be now: application, filesystem or crash.
    consistency: str | None
    # The version of the guest agent; null when it does not answer.
    agent: str | None
    # Each with target, taken (tracked, compared, skipped, refused), size, format and remarks.
    disks: list[dict[str, Any]]
    # Each with code, weight (note, less, not), message and remedy.
    remarks: list[dict[str, Any]]
    protected_since: str | None
    # What is kept with its protection: consistency, tracking, never_freeze, freeze_mounts, freeze_every,
    # freeze_every_seconds and scratch; null when it is not protected.
    settings: dict[str, Any] | None
    # Each with step, state (done, left-out, failed), at, said and error.
    steps: list[dict[str, Any]]
    # The code of the error it was met with.
    error: str | None


class VmStep(Event):
    """`vm protect`: a step of enabling protection begins, or has ended."""

    vm: str
    # preflight, agent, extension, first-backup, settings
    step: str
    # running, done, left-out, failed
    state: str
    at: str
    said: str
    error: str | None


class VmReady(Event):
    """`vm ready`: whether its guest comes up at another host, as far as could be seen."""

    vm: str
    uuid: str
    at: str
    # Nothing was found against it.
    ready: bool
    # Nothing of the guest could be looked at.
    blind: bool
    # The gravest first: code, weight, message, remedy; weight: stops, hinders, note, unknown.
    findings: list[dict[str, Any]]


class VmProtected(Event):
    """`vm protect`: the machine is protected from now on."""

    vm: str
    uuid: str
    # The least class a point may have.
    consistency: str
    # Disks that are not backed up, and why.
    left_out: dict[str, str]
    since: str | None
    # As in `vm status`.
    settings: dict[str, Any]


class VmUnprotected(Event):
    """`vm unprotect`: the machine is no longer protected; its points stay."""

    vm: str
    uuid: str
    checkpoints_removed: int
    # Disks that were brought back out of overlays.
    overlays_merged: int
    # Codes of what could not be taken out of the machine.
    left: list[str]


class VmBackupDone(Event):
    """`backup --vm` made a point of a virtual machine."""

    point: str
    parent: str | None
    vm: str
    uuid: str
    seconds: float
    # application, filesystem or crash.
    consistency: str
    # Why it is not more: each with code and reason.
    downgrades: list[dict[str, str]]
    freeze_ms: float
    # Each with target, size, rung (bitmap, overlay, hash or full), why, bytes_read, bytes_changed, which
    # is null where no record of changes could be trusted, and bytes_audited, which were called
    # unchanged and compared all the same.
    disks: list[dict[str, Any]]
    # What is not in the point, and why.
    left_out: dict[str, str]
    bytes_read: int
    bytes_added: int
    bytes_stored: int


class VmBackupFailed(Event):
    """`backup` of several machines: of this one no point was made; the others go on."""

    vm: str
    code: str
    message: str
    remedy: str
    exit_status: int
    # never, now, later
    retry: str
    # What the doctor found behind it: code, cause, sentence and job.
    finding: dict[str, str] | None


class VmBackupsDone(Event):
    """`backup` of several machines has come to its end."""

    # Names of those of which a point was made, and of the others with the code of their error.
    made: list[str]
    failed: dict[str, str]
    seconds: float
    exit_status: int


class VmWaiting(Event):
    """`backup --vm`: a machine waits for its turn, because others are backed up."""

    vm: str
    # For so long by now.
    seconds: float
    # The datastore it waits for; null: the host.
    store: str | None
    # Each with vm, pid, at_work (or waiting before it), and for how many seconds.
    holders: list[dict[str, Any]]


class VmRestored(Event):
    """`vm restore` brought a virtual machine back, or its disks as files."""

    point: str
    vm: str
    # null where no machine was defined.
    uuid: str | None
    in_place: bool
    started: bool
    # The class of the point: application, filesystem or crash.
    consistency: str
    seconds: float
    bytes_written: int
    # Each with target, path, format, size, bytes_written, bytes_zeroed and bytes_same.
    disks: list[dict[str, Any]]


class VmRunning(Event):
    """`vm boot`: the machine runs; its guest is still starting."""

    vm: str
    uuid: str
    point: str
    # Since the command began its work.
    seconds_to_running: float


class VmBooted(Event):
    """`vm boot` booted a machine from a point; its disks are read out of the vault."""

    vm: str
    uuid: str
    point: str
    seconds_to_running: float
    # Until its guest agent answered; null where nobody waited for it or it did not.
    seconds_to_up: float | None
    # Records its changes since its first instant.
    checkpoint: str
    # What its next backup is relative to; null where it could not be made.
    first_point: str | None
    folder: str
    # The process that serves its disks.
    server: int | None


class VmBoot(Event):
    """`vm boots`: a machine that was booted from a point, or what is left of it."""

    vm: str
    uuid: str
    point: str
    # being-prepared, left-behind, host-silent, machine-gone, not-served, waits-for-vault,
    # moved-off, paused, off or runs.
    health: str
    folder: str
    host: str
    # The process that serves its disks; null: nobody does.
    server: int | None


class VmBootEnded(Event):
    """`vm boot --end` ended a machine and removed all that was made for it."""

    vm: str
    uuid: str
    # Whether the hypervisor still knew it.
    was_there: bool
    folder: str


class VmServing(Event):
    """`vm serve` serves a machine's disks; the command goes on until it is told to end."""

    vm: str
    uuid: str
    disks: list[str]


class VmMovedOff(Event):
    """`vm move-off`: the machine needs the vault no more."""

    vm: str
    uuid: str
    seconds: float
    folder: str


class BootChecked(Event):
    """`check --boot`: a point was booted and came up."""

    point: str
    vm: str
    good: bool
    # agent or console: what showed that it is up.
    proof: str
    seconds_to_running: float
    seconds_to_up: float | None
    # As its agent names it.
    system: str
    # Whether there is a picture of its screen.
    picture: bool
    # Where verdict.json, the picture and console.log are.
    folder: str


class BootVerdict(Event):
    """`points show`, behind a virtual machine's point: what the last try to boot it came to."""

    point: str
    vm: str
    at: str
    good: bool
    # agent or console: what showed that it came up; empty where nothing did.
    proof: str
    # Why it did not.
    reason: str
    seconds_to_up: float | None
    # As its agent named it.
    system: str
    # Whether a picture of its screen is kept.
    picture: bool


class ExtensionStatus(Event):
    """`extension status`: what the guest extension of a virtual machine is like."""

    vm: str
    uuid: str
    # absent, not-ready, transitioning, ready, failed
    state: str
    # other-version, interrupted, failed, late, or what runs: install, backup.
    reason: str
    extension: str
    # What `extension install` brings; `extension` is the version that is there.
    newest: str
    # How long it has been there.
    age_seconds: float | None
    # What runs at this moment: pid, what, age_seconds.
    operation: dict[str, Any] | None
    # The last run: seconds_ago, result (ok, failed, late), and the hook that failed.
    last: dict[str, Any] | None
    # The hooks that have something to do.
    hooks: list[str]
    # Why the settings in the guest are not used.
    settings_refused: str | None


class ExtensionInstalled(Event):
    """`extension install`: the guest extension is there and ready."""

    vm: str
    uuid: str
    extension: str
    # False: it was there already.
    is_new: bool
    hooks: list[str]


class ExtensionRemoved(Event):
    """`extension remove`: nothing of the guest extension is left."""

    vm: str
    # False: there was none.
    was_there: bool


class VmVolume(Event):
    """`vm files` without a path: a disk, partition or logical volume of a point."""

    name: str
    size: int
    # As ext4, xfs, btrfs, lvm2 or swap; empty when it is not known.
    content: str
    label: str
    # Whether `vm files` can look into it.
    readable: bool


class VmFile(Event):
    """`vm files` with a path: an item inside a disk."""

    name: str
    # file, dir, symlink or other
    kind: str
    mode: int
    size: int
    mtime: str
    link: str | None


class VmFilesCopied(Event):
    """`vm files --to` copied something out of a disk."""

    point: str
    path: str
    target: str
    files: int
    bytes: int
