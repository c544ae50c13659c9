r"""With `--json` every command prints one JSON object per line on standard output, nothing else.

Each has an `event`, which says what it is, and a `version`, which grows when a field changes its
meaning or goes; new fields and new events may come at any time.
The last line of a command that went wrong is an `error`.
Sizes are bytes, times are RFC 3339 with the zone, durations are seconds.
The answers of `holdfast doctor` are one object each, see [their own page](doctor-json.md).
A path that is not UTF-8 shows the odd bytes as `\xNN`, and is exact in `path_base64`.
"""

from typing import Any, Literal

from holdfast.cli.json_base import Event


class Progress(Event):
    """Long work, at most once a second; totals are 0 as long as they are unknown."""

    phase: str
    seconds: float
    files_done: int
    files_total: int
    bytes_done: int
    bytes_total: int
    current: str
    warnings: int


class Warning(Event):  # noqa: A001  the event's name
    """Something to know that did not stop the work."""

    message: str


class Skipped(Event):
    """An item that is not in the point, or was not restored, as it should be."""

    path: str
    path_base64: str | None
    code: str
    errno: int
    message: str
    detail: str


class Error(Event):
    """Why the command could not be done; always the last line."""

    code: str
    message: str
    remedy: str
    exit_status: int
    retry: Literal["never", "now", "later"]
    source_codes: list[str]
    page: str | None
    # What the doctor found to lie under it: code, cause, sentence, job.
    finding: dict[str, str] | None = None
    # What its sentence is about, by name.
    fields: dict[str, str] | None = None


class VaultCreated(Event):
    """`vault create` made a vault."""

    place: str
    id: str
    key: str


class Vault(Event):
    """`vault show`: what a vault holds, as stored."""

    place: str
    id: str
    format: int
    points: int
    newest: str | None
    keys: int
    locks: int
    packs: int
    bytes_stored: int


class LocksRemoved(Event):
    """`vault unlock` removed locks of processes that are gone."""

    removed: int
    kept: int


class BackupDone(Event):
    """`backup` made a point, or with `dry_run` would have."""

    point: str | None
    parent: str | None
    dry_run: bool
    seconds: float
    files_new: int
    files_changed: int
    files_unmodified: int
    files_total: int
    folders_new: int
    folders_changed: int
    folders_unmodified: int
    bytes_total: int
    bytes_added: int
    bytes_stored: int
    skipped: int
    skipped_list: str | None


class Point(Event):
    """A recovery point, from `points`, `points show` or `points tag`."""

    id: str
    time: str
    host: str
    username: str
    paths: list[str]
    tags: list[str]
    tree: str
    parent: str | None
    program: str
    files: int | None
    bytes: int | None
    bytes_added: int | None


class Entry(Event):
    """An item inside a point, from `points ls`."""

    path: str
    path_base64: str | None
    kind: str
    size: int
    mode: int
    uid: int
    gid: int
    user: str
    group: str
    mtime: str
    target: str | None


class Difference(Event):
    """An item that differs between two points, from `points diff`."""

    path: str
    path_base64: str | None
    change: Literal["added", "removed", "changed", "touched"]
    kind: str


class RestoreDone(Event):
    """`restore` brought a point back, or with `dry_run` would have."""

    point: str
    target: str
    target_base64: str | None
    dry_run: bool
    seconds: float
    files: int
    files_unchanged: int
    folders: int
    others: int
    bytes_written: int
    bytes_total: int
    bytes_verified: int
    problems: int


class Finding(Event):
    """Something `check` or `vault repair` found; `code` names the sort for ever."""

    level: Literal["hint", "damage"]
    code: str
    message: str


class Loss(Event):
    """A path that cannot be restored as it was, in the points named."""

    path: str
    path_base64: str | None
    is_folder: bool
    points: list[str]


class CheckDone(Event):
    """`check` looked at everything it was asked to."""

    damaged: bool
    findings: int
    losses: int
    points: int
    trees: int
    blobs: int
    packs: int
    packs_read: int
    bytes_read: int
    bytes_total: int
    seconds: float


class RepairDone(Event):
    """`vault repair` saved what could be saved, or with `dry_run` would have."""

    dry_run: bool
    new_config: bool
    keys: int
    index_files: int
    packs_adopted: int
    packs_missing: int
    packs_salvaged: int
    blobs_saved: int
    blobs_lost: int
    losses: int
    new_points: dict[str, str]
    removed_points: list[str]


class Retain(Event):
    """`retain`: the decision on one point, and the rules that hold it until when at least."""

    point: str
    time: str
    keep: bool
    rules: list[str]
    until: str | None


class RetainDone(Event):
    """`retain` forgot points, or with `dry_run` would have."""

    dry_run: bool
    kept: int
    removed: int


class PruneDone(Event):
    """`prune` freed space, or with `dry_run` would have."""

    dry_run: bool
    points: int
    packs_kept: int
    packs_deleted: int
    packs_repacked: int
    packs_unnamed: int
    bytes_before: int
    bytes_needed: int
    bytes_copied: int
    bytes_freed: int
    bytes_unused_after: int
    # Not needed, but kept by an immutable vault until they are older.
    packs_too_young: int


class Passphrase(Event):
    """A passphrase that opens the vault, from `passphrase list`; `is_current` opened it now."""

    key: str
    created: str
    username: str
    host: str
    is_current: bool


class PassphraseAdded(Event):
    """`passphrase add`: another one opens the vault."""

    key: str


class PassphraseChanged(Event):
    """`passphrase change`: `key` took the place of `former`."""

    key: str
    former: str


class PassphraseRemoved(Event):
    """`passphrase remove`: this one opens the vault no more."""

    key: str


class TagsChanged(Event):
    """`points tag` gave a point other tags, and thereby another id."""

    former: str
    point: str


class Mounted(Event):
    """`mount` is ready; the command goes on until it is unmounted."""

    folder: str
    folder_base64: str | None


class VersionShown(Event):
    """`version`: ours and that of what we run on."""

    holdfast: str
    python: str
    repository_format: int


class DemoMachine(Event):
    """`demo`: what was measured with a virtual machine, where one could be had."""

    bytes_total: int
    second_seconds: float
    second_bytes_read: int
    freeze_ms: float
    # From the command to boot it out of the vault.
    seconds_to_running: float
    seconds_to_up: float


class DemoDone(Event):
    """`demo`: what was done, measured and proven."""

    folder: str | None
    files: int
    bytes_total: int
    bytes_stored: int
    first_seconds: float
    second_seconds: float
    restore_seconds: float
    proofs: list[str]
    missing: list[str]


class BundleCollected(Event):
    """`doctor collect` wrote a bundle."""

    file: str
    names: str | None
    taken: int
    missing: list[str]
    removed: dict[str, int]


class FixPlanned(Event):
    """`doctor fix` shows what it would do; `act` is null where only a person can."""

    cause: str
    remedies: list[dict[str, str | None]]


class FixApplied(Event):
    """`doctor fix --apply` did something and looked again."""

    cause: str
    remedy: str
    act: str
    mended: bool


class ServerReady(Event):
    """`server run` takes connections; `password` is there only when it made the first account."""

    address: str
    listening: str
    ca_fingerprint: str
    account: str | None
    password: str | None


class ServerExported(Event):
    """`server export` wrote the state, or with `keys_only` the keys alone."""

    file: str
    keys_only: bool
    rows: int
    bytes_written: int


class ServerImported(Event):
    """`server import` filled an empty state."""

    file: str
    keys_only: bool
    rows: int
    made_at: str


class PasswordReset(Event):
    """`server reset-password` gave an account a new password."""

    account: str
    password: str


class Job(Event):
    """One piece of work, from `jobs`; `progress` is what its kind tells."""

    id: str
    kind: str
    state: str
    machine: str | None
    machine_id: str | None
    source: str
    origin: str
    asked_by: str
    created: str
    started: str | None
    ended: str | None
    cancel_asked: bool
    attempts: int
    progress: dict[str, Any]
    error: str | None


class JobStep(Event):
    """A step of a job, inside of `job-detail`."""

    number: int
    name: str
    state: str
    started: str | None
    ended: str | None
    # What there is to say of it, and the code of the error it failed with.
    detail: dict[str, Any]


class JobLine(Event):
    """A line of a job's log, from `jobs --follow` or inside of `job-detail`."""

    job: str
    time: str
    level: str
    text: str


class JobDetail(Event):
    """Everything about one job, from `jobs show`."""

    job: Job
    arguments: dict[str, Any]
    steps: list[JobStep]
    lines: list[JobLine]
    result: dict[str, Any] | None
    error: dict[str, Any] | None
    finding: dict[str, Any] | None


class AgentInstalled(Event):
    """`agent install` wrote the units, or with `dry_run` would have."""

    files: list[str]
    started: bool
    dry_run: bool


class AgentUninstalled(Event):
    """`agent uninstall` removed these units, or with `dry_run` would have."""

    files: list[str]
    dry_run: bool


class LoggedIn(Event):
    """`login` keeps a session, or a token that has no end of its own here."""

    server: str
    name: str
    expires_at: str | None


class LoggedOut(Event):
    """`logout` ended the session."""

    server: str
    name: str


class ServerRecord(Event):
    """A thing of the server, as its API describes it: a vault, an account, a token, a role."""

    kind: str
    record: dict[str, Any]


class MachineRegistered(Event):
    """`register` made this machine one of the vault's machines, or did so again."""

    machine: str
    vault: str
    vault_name: str
    # What `--vault` takes, and what is used when no vault is named.
    location: str
    # For stock restic, as user `machine`.
    gateway_password: str
    again: bool


class AgentState(Event):
    """`agent status`: this machine's registration and what is wrong with it."""

    machine: str
    name: str
    vault: str
    vault_name: str
    server: str
    location: str
    proxy: bool
    certificate_ends: str
    # Codes of errors; empty: all is well.
    troubles: list[str]
    # Locations of other machines' repositories that this one may read for a while.
    readable: list[str]
    # "running", "stopped" or "never"; the rest is what the agent said last.
    agent: str
    agent_version: str | None
    package_version: str
    # "online", "away", "refused", "unknown"; and since when, and why.
    connection: str | None
    connection_since: str | None
    connection_trouble: str | None
    heard_at: str | None
    journal_trouble: str | None
    # Jobs whose end the server does not know yet, and since when the oldest waits.
    undelivered: int
    undelivered_since: str | None
    # Those that are not over: id, kind, state, source, since, next_try.
    jobs: list[dict[str, Any]]
    # Of each assignment: policy, paths, vms, paused, at (null while it is paused).
    next_runs: list[dict[str, Any]]
    # When the policies came from the server.
    policies_of: str | None


class CertificateRenewed(Event):
    """`agent renew` put a new certificate in place of the old one."""

    ends: str


class MachineUnregistered(Event):
    """`agent unregister` ended this machine's registration."""

    machine: str
    vault: str


class CredentialsIssued(Event):
    """`vault credentials` wrote a vault credentials file."""

    file: str
    vault: str
    serial: int
    expires_at: str


class ScratchMoved(Event):
    """`agent scratch move` moved the scratch folder."""

    former: str
    folder: str
    bytes: int


class PassphraseSaved(Event):
    """`passphrase set` saved the passphrase with which this registered machine works."""

    file: str


class Up(Event):
    """`up`: this machine has a server, a vault, a registration and an agent."""

    server: str
    api: str
    # SHA-256 of the authority's certificate; null where the operator's own is shown.
    ca_fingerprint: str | None
    # Of the first account, until they were shown once.
    account: str | None
    password: str | None
    vault: str
    # null when nobody is logged in, so that the server could not be asked.
    vault_location: str | None
    machine: str
    name: str
    passphrase_file: str
    # null when it was taken away, as it should be.
    recovery_key_file: str | None
    # The paths of each assignment, and when it runs next.
    protected: list[str]
    next_runs: list[str | None]


class UpStatus(Event):
    """`up --status`: what runs here."""

    server: str
    server_runs: bool
    agent_runs: bool
    machine: str | None
    # The `up` in the foreground that looks after them.
    up_process: int | None


class UpUninstalled(Event):
    """`up --uninstall` removed these units of server and agent."""

    files: list[str]


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
