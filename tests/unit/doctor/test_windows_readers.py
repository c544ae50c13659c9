"""Readers of Windows listings: real layouts, and anything that may become of them."""

import importlib
import pkgutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.doctor import readers
from holdfast.doctor.artefacts import Artefact, from_text
from holdfast.doctor.decoding import encoding_of, spoken
from holdfast.doctor.facts import (
    ClockOffset,
    Fact,
    LogSeen,
    Memory,
    Package,
    Process,
    Reach,
    Record,
    Service,
    Setting,
    Volume,
)
from holdfast.doctor.readers import windows_services
from holdfast.doctor.readers_registry import READERS
from holdfast.doctor.windows_facts import (
    BitLockerVolume,
    Disk,
    DotNet,
    FolderListing,
    IscsiSession,
    RegistryValue,
    ScheduledTask,
    ShadowCopy,
    ShadowStorage,
    VssProvider,
    VssWriter,
)

for _module in pkgutil.iter_modules(readers.__path__):
    importlib.import_module(f"{readers.__name__}.{_module.name}")

WRITERS = """\
C:\\>vssadmin list writers
vssadmin 1.1 - Volume Shadow Copy Service administrative command-line tool

Writer name: 'Task Scheduler Writer'
   Writer Id: {d61d61c8-d73a-4eee-8cdd-f6f9786b7124}
   Writer Instance Id: {1bddd48e-5052-49db-9b07-b96f96727e6b}
   State: [1] Stable
   Last error: No error

Writer name: 'SqlServerWriter'
   Writer Id: {a65faa63-5ea8-4ebc-9dbd-a0c4db26912a}
   Writer Instance Id: {1bddd48e-5052-49db-9b07-b96f96727e6c}
   State: [8] Failed
   Last error: Non-retryable error
"""
KOREAN_WRITERS = """\
기록기 이름: 'System Writer'
   기록기 ID: {e8132975-6f93-4464-a53e-1050253ae220}
   기록기 인스턴스 ID: {1bddd48e-5052-49db-9b07-b96f96727e6b}
   상태: [9] 실패
   마지막 오류: 시간이 초과되었습니다.
"""
PROVIDERS = """\
Provider name: 'Microsoft Software Shadow Copy provider 1.0'
   Provider type: System
   Provider Id: {b5946137-7b9f-4925-af80-51abd60b20d5}
   Version: 1.0.0.7
"""
SHADOWS = """\
Contents of shadow copy set ID: {dd1c2a17-3c12-4e4e-9d1b-8e5e94e85b12}
   Contained 1 shadow copies at creation time: 11/27/2018 7:00:05 AM
      Shadow Copy ID: {5a8f0b65-9e5d-4a53-b3f1-1b0a0a1f2c3d}
         Original Volume: (C:)\\\\?\\Volume{4c1b02c1-d990-11dc-99ae-806e6f6e6963}\\
         Shadow Copy Volume: \\\\?\\GLOBALROOT\\Device\\HarddiskVolumeShadowCopy1
"""
STORAGE = """\
섀도 복사본 저장소 연결
   볼륨: (C:)\\\\?\\Volume{4c1b02c1-d990-11dc-99ae-806e6f6e6963}\\
   섀도 복사본 저장소 볼륨: (C:)\\\\?\\Volume{4c1b02c1-d990-11dc-99ae-806e6f6e6963}\\
   사용된 섀도 복사본 저장소 공간: 7.516 GB (7%)
   할당된 섀도 복사본 저장소 공간: 8,2 GB (8%)
   최대 섀도 복사본 저장소 공간: 바인딩 안 됨 (100%)
"""
SC = """\
C:\\>sc queryex VSS

SERVICE_NAME: VSS
        TYPE               : 10  WIN32_OWN_PROCESS
        STATE              : 1  STOPPED
        WIN32_EXIT_CODE    : 1077  (0x435)
        SERVICE_EXIT_CODE  : 0  (0x0)

C:\\>sc qc VSS
[SC] QueryServiceConfig SUCCESS

SERVICE_NAME: VSS
        TYPE               : 10  WIN32_OWN_PROCESS
        START_TYPE         : 4   DISABLED
        ERROR_CONTROL      : 1   NORMAL

C:\\>sc query WindowsAzureGuestAgent
[SC] EnumQueryServicesStatus:OpenService FAILED 1060:
"""
GET_SERVICE = """\
PS C:\\> Get-Service *azure*

Status   Name               DisplayName
------   ----               -----------
Running  RdAgent            RdAgent
Stopped  WindowsAzureGue... Windows Azure Guest Agent
"""
NET_START = """\
C:\\>net start
These Windows services are started:

   COM+ Event System

The command completed successfully.
"""
TASKLIST = """\
Image Name                     PID Session Name        Session#    Mem Usage
========================= ======== ================ =========== ============
CBEngine.exe                  2212 Services                   0     61,120 K
"""
REGISTRY = """\
Windows Registry Editor Version 5.00

[HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\NET Framework Setup\\NDP\\v4\\Full]
"Release"=dword:0006004f
"Multi"=hex(7):41,00,42,00,00,00,\\
  43,00,00,00,00,00
"""
FSUTIL = """\
C:\\>fsutil volume diskfree c:
Total # of free bytes        : 5368709120
Total # of bytes             : 136365211648
Total # of avail free bytes  : 5368709120
"""
GET_VOLUME = """\
DriveLetter FriendlyName    FileSystemType DriveType HealthStatus OperationalStatus SizeRemaining      Size
----------- ------------    -------------- --------- ------------ ----------------- -------------      ----
C           시스템          NTFS           Fixed     Healthy      OK                     96.69 GB 126.51 GB
"""
DIR = """\
 C:\\Program Files\\Scratch 디렉터리

2018-11-27  오전 10:11    <DIR>          .
2018-11-27  오후 10:11            12,345 a.TMP
"""
TASK_XML = """\
<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo><URI>\\Microsoft\\OnlineBackup\\Microsoft-OnlineBackup</URI></RegistrationInfo>
  <Triggers><CalendarTrigger><StartBoundary>2018-11-27T18:00:00</StartBoundary></CalendarTrigger></Triggers>
  <Settings><Enabled>false</Enabled></Settings>
  <Actions><Exec><Command>powershell.exe</Command></Exec></Actions>
</Task>
"""
SCHTASKS = """\
Folder: \\Microsoft\\OnlineBackup
HostName:                             HOST
TaskName:                             \\Microsoft\\OnlineBackup\\Microsoft-OnlineBackup
Next Run Time:                        11/28/2018 6:00:00 PM
Status:                               Ready
Logon Mode:                           Interactive/Background
Last Run Time:                        11/27/2018 6:00:00 PM
Last Result:                          -2147024894
"""
SYSTEMINFO = """\
Host Name:                 HOST
OS Name:                   Microsoft Windows Server 2016 Datacenter
OS Version:                10.0.14393 N/A Build 14393
Total Physical Memory:     8,191 MB
Available Physical Memory: 512 MB
"""
POWERSHELL = """\
PSVersion                      5.1.14393.2608
LocalMachine    RemoteSigned
C:\\Windows\\system32\\WindowsPowerShell\\v1.0\\Modules\\;C:\\Agent\\bin\\Modules
"""
WINHTTP = """\
현재 WinHTTP 프록시 설정:

    직접 액세스(프록시 서버 없음)입니다.
"""
CONNECTION = """\
ComputerName     : pod01.backup.windowsazure.com
RemoteAddress    : 1.2.3.4
RemotePort       : 443
TcpTestSucceeded : False
"""
PING = """\
host.contoso.com [10.1.1.1]에 데이터 32바이트 사용:

10.1.1.1에 대한 Ping 통계:
    패킷: 보냄 = 4, 받음 = 0, 손실 = 4 (100% 손실),
"""
CLOCK = """\
Leap Indicator: 3(not synchronized)
Stratum: 0 (unspecified)
Precision: -23 (119.209ns per tick)
"""
DISKPART = """\
  디스크 ###  상태           크기     사용 가능     Dyn  Gpt
  ----------  -------------  -------  -------  ---  ---
  디스크 0    온라인          127 GB      0 B
  디스크 1    온라인           50 GB  1024 KB   *
"""
ISCSI = "TargetNodeAddress       : iqn.2016-01.example:host\nIsConnected             : True\n"
BITLOCKER = "BitLocker 드라이브 암호화\n볼륨 E: [레이블]\n    잠금 상태:            잠김\n"
PROGRAMS = """\
DisplayName                                  DisplayVersion
-----------                                  --------------
Microsoft Azure Recovery Services Agent      2.0.9109.0
"""
EVENT_CSV = """\
수준,날짜 및 시간,원본,이벤트 ID,작업 범주
오류,2018-11-27 오후 10:11:12,VSS,8193,없음,"볼륨 섀도 복사본 서비스 오류: hr = 0x80070005
둘째 줄"
"""
EVENT_TEXT = """\
Event[0]:
  Protokollname: System
  Quelle: Service Control Manager
  Datum: 2018-11-27T10:11:12.000
  Ereignis-ID: 7036
  Aufgabe: N/A
  Ebene: Informationen
  Beschreibung:
Der Dienst wurde beendet.
"""
EVENT_XML = (
    "<Events><Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
    "<Provider Name='MSSQLSERVER'/><EventID Qualifiers='49152'>18210</EventID><Level>2</Level>"
    "<TimeCreated SystemTime='2018-11-27T01:11:12.123456789Z'/></System><EventData>"
    "<Data>PrepareToFreeze</Data><Data>995</Data></EventData></Event></Events>"
)
EVENT_LIST = """\
TimeCreated  : 11/27/2018 10:11:12 AM
ProviderName : VSS
Id           : 8193
Message      : Volume Shadow Copy Service error:  hr =
               0x80070005, Access is denied.
"""

LISTINGS: dict[str, tuple[str, type[Fact]]] = {
    "writers": (WRITERS, VssWriter),
    "writers, Korean": (KOREAN_WRITERS, VssWriter),
    "providers": (PROVIDERS, VssProvider),
    "shadows": (SHADOWS, ShadowCopy),
    "storage": (STORAGE, ShadowStorage),
    "sc": (SC, Service),
    "Get-Service": (GET_SERVICE, Service),
    "net start": (NET_START, Service),
    "tasklist": (TASKLIST, Process),
    "registry": (REGISTRY, RegistryValue),
    "framework": (REGISTRY, DotNet),
    "fsutil": (FSUTIL, Volume),
    "Get-Volume": (GET_VOLUME, Volume),
    "dir": (DIR, FolderListing),
    "task": (TASK_XML, ScheduledTask),
    "schtasks": (SCHTASKS, ScheduledTask),
    "systeminfo": (SYSTEMINFO, Memory),
    "PowerShell": (POWERSHELL, Setting),
    "winhttp": (WINHTTP, Setting),
    "Test-NetConnection": (CONNECTION, Reach),
    "ping": (PING, Reach),
    "w32tm": (CLOCK, ClockOffset),
    "diskpart": (DISKPART, Disk),
    "iscsi": (ISCSI, IscsiSession),
    "bitlocker": (BITLOCKER, BitLockerVolume),
    "programs": (PROGRAMS, Package),
    "events as CSV": (EVENT_CSV, Record),
    "events as text": (EVENT_TEXT, Record),
    "events as XML": (EVENT_XML, Record),
    "events as list": (EVENT_LIST, LogSeen),
}


def facts_of(artefact: Artefact) -> list[Fact]:
    raw = artefact.head()
    name, mark = encoding_of(raw)
    head = raw[mark:].decode(name, "replace") if name != "utf-8" else spoken(raw[mark:])
    return [
        fact
        for one in READERS
        if ".windows_" in one.read.__module__ and one.accepts(head, artefact.name)
        for fact in one.read(artefact)
    ]


def of(kind: type[Fact], text: str | bytes, name: str = "pasted") -> list[Fact]:
    return [fact for fact in facts_of(from_text(name, text)) if type(fact) is kind]


@pytest.mark.parametrize("which", LISTINGS, ids=str)
def test_every_listing_is_recognised_and_read(which: str) -> None:
    text, kind = LISTINGS[which]

    assert of(kind, text)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp949"])
@pytest.mark.parametrize("which", LISTINGS, ids=str)
def test_the_encoding_and_line_ends_of_windows_do_not_matter(which: str, encoding: str) -> None:
    text, kind = LISTINGS[which]

    raw = text.replace("\n", "\r\n").encode(encoding)

    assert len(of(kind, raw)) == len(of(kind, text))


@pytest.mark.parametrize("which", LISTINGS, ids=str)
def test_a_span_shows_the_lines_it_names(which: str) -> None:
    text, kind = LISTINGS[which]

    lines = text.split("\n")
    for fact in of(kind, text):
        there = "\n".join(lines[fact.span.first - 1 : fact.span.last])
        assert fact.span.excerpt.strip() in there


PIECES = st.sampled_from([text for text, _ in LISTINGS.values()])


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, min_size=1, max_size=4), st.data())
def test_no_reader_raises_on_cut_shuffled_or_re_encoded_text(
    pieces: list[str], data: st.DataObject
) -> None:
    lines = "\n".join(pieces).split("\n")
    tail = data.draw(st.permutations(lines[len(lines) // 2 :][:30]))
    text = "\n".join([*lines[: len(lines) // 2], *tail])
    raw = text.encode(data.draw(st.sampled_from(["utf-8", "utf-16", "cp949"])))
    cut = data.draw(st.integers(0, len(raw)))

    facts_of(from_text("x", raw[cut:]))
    facts_of(from_text("x", raw[:cut]))


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400), PIECES)
def test_no_reader_raises_on_damage(noise: bytes, piece: str) -> None:
    raw = piece.encode()
    half = len(raw) // 2

    facts_of(from_text("x", raw[:half] + noise + raw[half:]))


def test_a_writers_state_is_the_number_in_brackets() -> None:
    states = {fact.name: fact.state for fact in of(VssWriter, WRITERS + KOREAN_WRITERS)}  # type: ignore[attr-defined]

    assert states == {"Task Scheduler Writer": 1, "SqlServerWriter": 8, "System Writer": 9}


def test_writers_pasted_on_one_line_are_told_apart() -> None:
    text = " ".join(WRITERS.split("Writer name", 1)[1].split())

    found = of(VssWriter, f"Writer name{text}")

    assert [(fact.name, fact.state) for fact in found] == [  # type: ignore[attr-defined]
        ("Task Scheduler Writer", 1),
        ("SqlServerWriter", 8),
    ]


def test_sc_tells_states_starts_and_absence_by_numbers() -> None:
    found = [(one.name, one.state, one.start) for one in of(Service, SC)]  # type: ignore[attr-defined]

    assert found == [
        ("VSS", "stopped", ""),
        ("VSS", "", "disabled"),
        ("WindowsAzureGuestAgent", "absent", ""),
    ]


def test_sizes_in_any_notation_are_bytes() -> None:
    (storage,) = of(ShadowStorage, STORAGE)

    assert isinstance(storage, ShadowStorage)
    assert (storage.volume, storage.maximum) == ("C:", None)
    assert storage.used == int(7.516 * (1 << 30))
    assert storage.allocated == int(8.2 * (1 << 30))


def test_columns_stay_in_place_behind_wide_characters() -> None:
    disks = {one.name: one.dynamic for one in of(Disk, DISKPART)}  # type: ignore[attr-defined]

    assert disks == {"디스크 0": False, "디스크 1": True}


@pytest.mark.parametrize("text", [EVENT_CSV, EVENT_TEXT, EVENT_XML, EVENT_LIST])
def test_an_event_reads_alike_from_every_form(text: str) -> None:
    (record,) = of(Record, text)

    assert isinstance(record, Record)
    assert record.text.startswith(f"{record.values['source']} {record.values['event_id']}: ")
    assert record.stream == "windows.event-log"
    assert record.when is not None


def test_a_listing_cut_after_the_state_says_nothing_of_the_start() -> None:
    cut = (
        "SERVICE_NAME: obengine\n"
        "        TYPE               : 10  WIN32_OWN_PROCESS\n"
        "        STATE              : 4  RUNNING"
    )

    (service,) = windows_services.read_sc(from_text("pasted", cut))

    assert isinstance(service, Service)
    assert (service.state, service.start) == ("running", "")
