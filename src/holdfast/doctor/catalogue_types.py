"""What stands in the catalogue's TOML files; unknown keys are refused."""

from datetime import date

from msgspec import Struct, field


class _Entry(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Every entry says which lines of the source documents it stands for, `003:L44` or `B28`."""

    refs: tuple[str, ...] = ()


class Component(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A product or part of one, told apart in every report."""

    id: str
    title: str
    # ours, linux-guest, original
    family: str
    streams: tuple[str, ...] = ()
    # Paths (globs) one of which every host has that has the component; without any it is there
    # when one of its own probes brings something. What is not there never counts.
    signs: tuple[str, ...] = ()
    # Where the signs say little: without a question it counts only on a host that has one of these
    # paths (globs) as well, or one of these files with this text in it.
    used: tuple[str, ...] = ()
    used_text: dict[str, str] = field(default_factory=dict)


class Probe(_Entry, frozen=True, kw_only=True):
    """What to get, and how, on a live host and in an archive.

    `files` are globs on a live host, `command` is run there; `bundle` are globs on the ends of
    paths in archives and folders.
    """

    title: str
    # How a person gets it by hand.
    obtain: str
    # linux, windows, or any: what both have, or what comes from neither of them.
    platform: str = "linux"
    files: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    # A name of a function in doctor.live for what is neither a file nor a command.
    asks: str = ""
    bundle: tuple[str, ...] = ()
    # The command's output counts whatever its exit status (systemctl status, diff).
    any_status: bool = False
    seconds: float = 5.0
    cap_mib: int = 50
    # public, log, config: what is redacted and how; secret: only its presence is kept.
    privacy: str = "log"


class Event(_Entry, frozen=True, kw_only=True):
    """A pattern (RE2 syntax, case ignored) on the records of one log, or of all with "*"."""

    stream: str
    match: tuple[str, ...]
    # Benign events absorb their record: it cannot confirm anything else.
    benign: bool = False
    levels: tuple[str, ...] = ()


class Param(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A threshold: `holdfast doctor --set cause.param=value` overrides it."""

    value: float | int | str
    unit: str
    source: str
    dated: date


class Check(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`code = true` names a Python function by the cause's id; else events or a threshold."""

    code: bool = False
    event: tuple[str, ...] = ()
    unless_after: tuple[str, ...] = ()
    at_least: int = 1
    within_days: float = 14.0
    fact: str = ""
    where: dict[str, str] = field(default_factory=dict)
    field: str = ""
    # The names of parameters.
    below: str = ""
    above: str = ""


class Cause(_Entry, frozen=True, kw_only=True):
    """Something that can be wrong, with the check that decides and the remedies that mend it."""

    code: str
    title: str
    # Why it makes the symptom, for `explain`.
    why: str
    # The sentence of the finding; placeholders are values of the verdict and `count`.
    found: str
    severity: str = "error"
    # "" for any; windows or linux: not applicable where only the other is seen.
    platform: str = ""
    # Probes whose artefacts decide: what an UNKNOWN asks for, what collect takes.
    probes: tuple[str, ...]
    check: Check
    param: dict[str, Param] = field(default_factory=dict)
    explains: tuple[str, ...] = ()
    remedies: tuple[str, ...]


class Match(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Keys of a symptom: codes in any notation, symbolic names, patterns on message texts.

    `message` is searched for in what people type and in logs, in English and Korean; RE2, no case.
    """

    code: tuple[str, ...] = ()
    name: tuple[str, ...] = ()
    message: tuple[str, ...] = ()


class Symptom(_Entry, frozen=True, kw_only=True):
    """What people see first; its causes stand in the order in which to look."""

    title: str
    meaning: str = ""
    match: Match
    causes: tuple[str, ...]


class Step(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One step for a person, and the source's line it comes from."""

    text: str
    refs: tuple[str, ...] = ()
    # Text to be typed as it is, never translated.
    type: str = ""


class Remedy(_Entry, frozen=True, kw_only=True):
    """What to do; the last word is always the check itself, run again."""

    title: str
    steps: tuple[Step, ...]
    # safe, disruptive, destructive
    risk: str = "safe"
    # How a person sees that it worked.
    verify: str = ""
    undo: str = ""
    # What `fix --apply` does, see doctor.mending: its name, and what it works on; values of the
    # verdict fill the placeholders.
    action: str = ""
    given: dict[str, str] = field(default_factory=dict)


class Note(_Entry, frozen=True, kw_only=True):
    """Knowledge that is no symptom: a path of a log, a tool, a limit, a rule; `explain` finds it."""

    title: str
    text: str
    match: Match = Match()


class File(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One file of the catalogue."""

    component: Component
    probe: dict[str, Probe] = field(default_factory=dict)
    event: dict[str, Event] = field(default_factory=dict)
    cause: dict[str, Cause] = field(default_factory=dict)
    symptom: dict[str, Symptom] = field(default_factory=dict)
    remedy: dict[str, Remedy] = field(default_factory=dict)
    note: dict[str, Note] = field(default_factory=dict)
