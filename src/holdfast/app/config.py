"""The settings of one run, from options, environment and config file: the one reader of them."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from typing import Any

from holdfast.app.setup_errors import SettingUnknown, SettingWrong
from holdfast.base.texts import LANGUAGES, _
from holdfast.base.units import parse_duration, parse_size

_SYSTEM_CONFIG = "/etc/holdfast/config.toml"
_HOME_OF_ROOT = "/var/lib/holdfast"
_VARIABLES = {
    "vault": "HOLDFAST_VAULT",
    "passphrase_file": "HOLDFAST_PASSPHRASE_FILE",
    "lang": "HOLDFAST_LANG",
    "rates_file": "HOLDFAST_RATES_FILE",
    "lease": "HOLDFAST_LEASE",
    "libvirt": "HOLDFAST_LIBVIRT",
}
_CREDENTIALS = "credentials"
_NOT_IN_FILES = ("home", "harmless", "remarks", "rates_file", "lease")
_OTHERS_READ = 0o044
_CORES_OF_ONE = 4
_MOST_AT_ONCE = 8
# What a hook or a passphrase command may see of our environment: nothing with a secret in it.
_HARMLESS = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "TMPDIR", "TZ", "LANG", "LANGUAGE"),
    "NO_COLOR",
    *("LC_ALL", "LC_CTYPE", "LC_MESSAGES", "DISPLAY", "XDG_RUNTIME_DIR", "GPG_TTY"),
    *("DBUS_SESSION_BUS_ADDRESS", "SSH_AUTH_SOCK"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is not said in the command itself."""

    home: str
    vault: str | None = None
    passphrase_file: str | None = None
    passphrase_command: str | None = None
    lang: str = "en"
    workers: int = 2
    # How long the kernel keeps a vault's key after its last use; zero: not at all.
    keyring: timedelta = timedelta(minutes=15)
    # Bytes a second to and from the vault; None: as fast as it goes.
    limit_upload: int | None = None
    limit_download: int | None = None
    # With rates that somebody else changes while we run.
    rates_file: str | None = None
    # "agent": the agent that started us holds the lease to delete; None: we ask ourselves.
    lease: str | None = None
    # The hypervisor whose virtual machines are meant.
    libvirt: str = "qemu:///system"
    # The largest disk of one that is backed up, in bytes; None: there is no limit.
    vm_max_disk: int | None = None
    # Where QEMU keeps what a machine overwrites during its backup; not where its disks lie.
    vm_scratch: str = "/var/lib/libvirt/holdfast"
    # How many of them are backed up at once on this host, and on each datastore of it.
    vm_parallel: int = 2
    vm_parallel_per_store: int = 2
    # How long a backup waits for its turn.
    vm_wait: timedelta = timedelta(hours=4)
    # Whether files of recovery points may pass through the server, to people who may restore.
    downloads: bool = False
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    harmless: Mapping[str, str] = field(default_factory=dict, repr=False)
    # What the person should know about where settings came from.
    remarks: tuple[str, ...] = ()

    @property
    def config_file(self) -> str:
        return os.path.join(self.home, "config.toml")


def load_settings(
    environment: Mapping[str, str] | None = None,
    *,
    system_config: str = _SYSTEM_CONFIG,
    **options: object,
) -> Settings:
    """Options win over the environment, that over the home's file, that over the system's."""
    seen = os.environ if environment is None else environment
    cores = _usable_cores()
    settings = Settings(
        home=_home(seen), lang=_language(seen), workers=cores, vm_parallel=_machines_at_once(cores)
    )
    for file in (system_config, settings.config_file):
        settings = _layered(settings, _read_file(file, settings))
    settings = _layered(settings, _read_environment(seen))
    settings = _layered(settings, {key: v for key, v in options.items() if v is not None})
    settings = replace(
        settings,
        credentials={**settings.credentials, **_credentials(seen)},
        harmless={name: seen[name] for name in _HARMLESS if name in seen},
    )
    return _registered(settings)


def _registered(settings: Settings) -> Settings:
    """A registered machine's own repository, and its saved passphrase, where nothing else is named."""
    if not os.path.isdir(os.path.join(settings.home, "agent")):
        return settings
    from holdfast.app.agent_folder import AgentFolder
    from holdfast.app.registration_state import find_registration
    from holdfast.base.errors import HoldfastError

    try:
        found = find_registration(settings.home)
    except (HoldfastError, OSError) as err:
        return replace(settings, remarks=(*settings.remarks, str(err)))
    if found is None or settings.vault not in {None, found.location}:
        return settings
    is_given = settings.passphrase_file or settings.passphrase_command
    return replace(
        settings,
        vault=found.location,
        passphrase_file=settings.passphrase_file
        if is_given
        else AgentFolder.of(settings.home).passphrase,
        credentials={**settings.credentials, **found.proxy_settings},
    )


def _layered(settings: Settings, above: dict[str, Any]) -> Settings:
    """Naming one source of the passphrase replaces the one named further below."""
    if above.keys() & {"passphrase_file", "passphrase_command"}:
        above = {"passphrase_file": None, "passphrase_command": None} | above
    return replace(settings, **above)


def _read_environment(seen: Mapping[str, str]) -> dict[str, Any]:
    said = {key: seen[name] for key, name in _VARIABLES.items() if seen.get(name)}
    if said.get("lang", "en") not in LANGUAGES:
        raise _wrong("HOLDFAST_LANG", "lang", said["lang"], ", ".join(LANGUAGES))
    return said


def asked_language(arguments: list[str], environment: Mapping[str, str] | None = None) -> str:
    """The language to speak before anything is parsed, so that even a usage error is in it."""
    seen = os.environ if environment is None else environment
    wanted = seen.get("HOLDFAST_LANG", "")
    for before, argument in zip(["", *arguments], arguments, strict=False):
        if argument == "--":
            break
        if before == "--lang":
            wanted = argument
        elif argument.startswith("--lang="):
            wanted = argument.removeprefix("--lang=")
    return wanted if wanted in LANGUAGES else _language(seen)


def _language(seen: Mapping[str, str]) -> str:
    locale = seen.get("LC_ALL") or seen.get("LC_MESSAGES") or seen.get("LANG") or ""
    code = locale.partition("_")[0].partition(".")[0]
    return code if code in LANGUAGES else "en"


def _home(seen: Mapping[str, str]) -> str:
    if named := seen.get("HOLDFAST_HOME"):
        return os.path.abspath(named)
    if os.geteuid() == 0:
        return _HOME_OF_ROOT
    data = seen.get("XDG_DATA_HOME") or os.path.join(os.path.expanduser("~"), ".local", "share")
    return os.path.join(data, "holdfast")


def is_usual_home(home: str, environment: Mapping[str, str] | None = None) -> bool:
    """Whether a command typed elsewhere finds this home without being told."""
    seen = os.environ if environment is None else environment
    return home == _home({name: seen[name] for name in seen if name != "HOLDFAST_HOME"})


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0))


def _credentials(seen: Mapping[str, str]) -> dict[str, str]:
    from holdfast.storage.credentials import VARIABLES

    return {name: seen[name] for name in VARIABLES if seen.get(name)}


def _machines_at_once(cores: int) -> int:
    """One alone keeps some cores busy, but mostly waits for its disks or for the vault."""
    return min(_MOST_AT_ONCE, max(2, cores // _CORES_OF_ONE))


def _read_file(file: str, below: Settings) -> dict[str, Any]:
    try:
        with open(file, "rb") as stream:
            import tomllib  # here, because most have no such file

            is_open_to_others = bool(os.fstat(stream.fileno()).st_mode & _OTHERS_READ)
            content = tomllib.load(stream)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as err:
        raise _wrong(file, "config.toml", "", err) from err
    known = [f.name for f in fields(Settings) if f.name not in _NOT_IN_FILES]
    read = {_known(file, key, known): value for key, value in content.items()}
    for key, value in read.items():
        read[key] = _checked(file, key, value)
    if _CREDENTIALS in read:
        read[_CREDENTIALS] = {**below.credentials, **read[_CREDENTIALS]}
        if is_open_to_others:
            remark = _("{file} holds credentials and can be read by others; `chmod 600 {file}`")
            read["remarks"] = (*below.remarks, remark.format(file=file))
    return read


def _known(file: str, key: str, known: list[str]) -> str:
    name = key.replace("-", "_")
    if name in known:
        return name
    raise _unknown(file, key, [one.replace("_", "-") for one in known])


def _checked(file: str, key: str, value: Any) -> Any:
    if key in _READ_BY:
        return _READ_BY[key](file, key, value)
    match key:
        case "workers" | "vm_parallel" | "vm_parallel_per_store":
            if type(value) is not int or value < 1:
                raise _wrong(file, key, value, _("a whole number from 1"))
        case "credentials":
            return _checked_credentials(file, value)
        case "lang":
            if value not in LANGUAGES:
                raise _wrong(file, key, value, ", ".join(LANGUAGES))
        case _:
            if not isinstance(value, str):
                raise _wrong(file, key, value, _("a text in quotes"))
    return value


def _duration(file: str, key: str, value: object) -> timedelta:
    if value == "off":
        return timedelta(0)
    try:
        return parse_duration(str(value))
    except ValueError as err:
        raise _wrong(file, key, value, _("a time like 15m, or off")) from err


def _rate(file: str, key: str, value: object) -> int:
    try:
        rate = parse_size(str(value))
    except ValueError:
        rate = 0
    if rate < 1:
        raise _wrong(file, key, value, _("bytes a second like 2M"))
    return rate


def _size(file: str, key: str, value: object) -> int:
    try:
        return parse_size(str(value))
    except ValueError as err:
        raise _wrong(file, key, value, _("a size like 4T")) from err


def _yes_or_no(file: str, key: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise _wrong(file, key, value, _("true or false"))


_READ_BY: dict[str, Callable[[str, str, object], Any]] = {
    **dict.fromkeys(("keyring", "vm_wait"), _duration),
    **dict.fromkeys(("limit_upload", "limit_download"), _rate),
    "vm_max_disk": _size,
    "downloads": _yes_or_no,
}


def _checked_credentials(file: str, value: object) -> dict[str, str]:
    from holdfast.storage.credentials import VARIABLES

    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        # The value may be a secret in the wrong place, so it is not shown.
        raise _wrong(file, _CREDENTIALS, "…", _("a table of texts in quotes"))
    for name in value:
        if name not in VARIABLES:
            raise _unknown(file, name, VARIABLES)
    return value


def _wrong(where: str, key: str, value: object, reason: object) -> SettingWrong:
    return SettingWrong(where=where, key=key.replace("_", "-"), value=value, reason=reason)


def _unknown(file: str, key: str, known: Sequence[str]) -> SettingUnknown:
    import difflib

    close = difflib.get_close_matches(key, known, n=1) or known
    return SettingUnknown(file=file, key=key, known=", ".join(close))


def service_manager(environment: Mapping[str, str] | None = None) -> str | None:
    """Where systemd listens for word from the service it started; None: nobody does."""
    seen = os.environ if environment is None else environment
    return seen.get("NOTIFY_SOCKET") or None


def told_zone(environment: Mapping[str, str] | None = None) -> str:
    """The time zone that this process was told to show; "" for the machine's own."""
    seen = os.environ if environment is None else environment
    return seen.get("TZ", "")
