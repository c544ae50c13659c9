"""States of Hyper-V as one vocabulary: PowerShell's names, WMI's numbers, translated screens."""

import re

# Names of PowerShell's enumeration are never translated.
_STATES = {
    "replicating": "replicating",
    "suspended": "paused",
    "error": "error",
    "critical": "error",
    "waitingforstartresynchronize": "resync-required",
    "resynchronizing": "resyncing",
    "resynchronizesuspended": "resync-paused",
    "initialreplicationinprogress": "initial",
    "waitingforinitialreplication": "initial",
    "readyforinitialreplication": "ready",
    "syncedreplicationcomplete": "prepared",
    "preparedforplannedfailover": "prepared",
    "failedover": "failed-over",
    "failoverwaitingcompletion": "failed-over",
    "disabled": "off",
    "notapplicable": "off",
    "notenabled": "off",
}
# What Msvm_ComputerSystem.ReplicationState holds.
_NUMBERS = {
    "0": "off",
    "1": "ready",
    "2": "initial",
    "3": "replicating",
    "4": "prepared",
    "5": "failed-over",
    "6": "failed-over",
    "7": "paused",
    "8": "error",
    "9": "resync-required",
    "10": "resyncing",
    "11": "resync-paused",
}
# Screens in English, Korean, German, French, Spanish, Japanese; the more special first.
_SCREENS = (
    (r"resync\w* (?:is )?(?:suspended|paused)|동기화.{0,6}(?:일시|중단)", "resync-paused"),
    (
        r"resync\w* (?:is )?required|동기화.{0,4}(?:필요|해야)|synchronisier\w* erforderlich|resynchronisation (?:est )?(?:requise|nécessaire)|resincronizaci\w+ (?:necesaria|requerida)|再同期.{0,3}必要",
        "resync-required",
    ),
    (r"resynchroniz(?:ing|ation)|동기화.{0,3}중", "resyncing"),
    (
        r"paus|suspend|일시 ?중[지단]|angehalten|unterbrochen|interromp|一時停止|已暂停|приостан",
        "paused",
    ),
    (r"initial|초기 복제|erstreplikation|初期レプリケーション", "initial"),
    (r"planned failover|계획된 장애", "prepared"),
    (r"failover|failed over|장애 조치", "failed-over"),
    (
        r"not enabled|disabled|사용 안|사용하지|사용할 수 없|nicht aktiviert|deaktiviert|désactiv|無効",
        "off",
    ),
    (r"error|critical|오류|위험|심각|fehler|kritisch|erreur", "error"),
    (
        r"enabled|replicating|normal|사용|복제 중|aktiviert|repliziert|activé|habilitad|有効",
        "replicating",
    ),
)
_HEALTH = (
    (r"critical|위험|심각|kritisch|critique|crític|重大|緊急|严重|критич", "critical"),
    (r"warning|경고|warnung|avertissement|advertencia|警告|предупр", "warning"),
    (r"normal|정상|보통|標準|正常|норм|\bok\b", "normal"),
)
_HEALTH_NUMBERS = {"1": "normal", "2": "warning", "3": "critical"}
_OUTDATED = r"required|필요|erforderlich|requise|nécessaire|requerid|necesari|必要|需要|требуется|out of date|outdated|mismatch"
_CURRENT = r"up to date|최신|neuesten|aktuell|à jour|al día|actualizad|最新|обновлено"
_MISSING = r"not (?:installed|detected)|설치되지|nicht (?:installiert|erkannt)|非検出"


def state(said: str) -> str:
    """The replication state in our words, "" for what is not known."""
    key = re.sub(r"[\s_-]", "", said).lower()
    if key in _STATES:
        return _STATES[key]
    if key in _NUMBERS:
        return _NUMBERS[key]
    return _first(_SCREENS, said)


_TOKEN = re.compile(r"\b(?P<name>[A-Z][A-Za-z]{7,})(?P<cut>\.{2,3}|\u2026)?")


def token(line: str) -> str:
    """A state's name anywhere in a line whose columns are lost or cut short."""
    for found in _TOKEN.finditer(line):
        key = found["name"].lower()
        if key in _STATES:
            return _STATES[key]
        if found["cut"]:
            known = {value for name, value in _STATES.items() if name.startswith(key)}
            if len(known) == 1:
                return known.pop()
    return ""


def health_token(line: str) -> str:
    found = re.search(r"\b(?:Critical|Warning|Normal)\b", line)
    return health(found[0]) if found else ""


def health(said: str) -> str:
    return _HEALTH_NUMBERS.get(said.strip()) or _first(_HEALTH, said)


def integration(said: str) -> str:
    """Whether Integration Services are current by the host's words."""
    words = ((_MISSING, "missing"), (_OUTDATED, "outdated"), (_CURRENT, "current"))
    return _first(words, said)


def component(primary: str, secondary: str) -> str:
    """How an integration service answers: the enumeration's names, OK, or known words."""
    said = f"{primary} {secondary}".lower()
    if re.search(r"no\s?contact|lost\s?comm|연결 ?끊|연락|kein kontakt|keine verbindung", said):
        return "silent"
    if re.search(r"protocolmismatch|protocol version|프로토콜 버전|protokollversion", said):
        return "mismatch"
    return "ok" if re.match(r"ok\b|확인|정상|良好", said.strip()) else ""


def _first(words: tuple[tuple[str, str], ...], said: str) -> str:
    return next((name for pattern, name in words if re.search(pattern, said, re.IGNORECASE)), "")
