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


class DemoRecovery(Event):
    """`demo`: what was measured with a second site, where hosts could be had."""

    # Seconds and bytes, by name: enable_seconds, failover_seconds, reprotect_copied_bytes, …
    figures: dict[str, float]


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


class DemoConsole(Event):
    """`demo`: the console can be looked at until this command is ended."""

    console: str
    account: str
    password: str


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
    # Of a source that is the id of an assignment: its paths and its policy.
    about: str
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
    # Where a browser finds it.
    console: str
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
