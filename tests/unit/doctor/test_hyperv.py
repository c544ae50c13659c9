"""Hyper-V: listings, odd input, and what can be explained."""

from datetime import timedelta
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from holdfast.doctor.artefacts import from_text
from holdfast.doctor.diagnosis import diagnose
from holdfast.doctor.hyperv_facts import (
    AgentConnection,
    ChangeLog,
    IntegrationService,
    VmReplication,
    WriteRate,
)
from holdfast.doctor.loading import load
from holdfast.doctor.reading import Reading
from tests.unit.doctor.listings import read_as

read = partial(read_as, "hyperv")
LISTINGS = (
    """PS C:\\> Get-VMReplication

VMName State       Health Mode    FrequencySec PrimaryServer ReplicaServer   ReplicaPort
------ -----       ------ ----    ------------ ------------- -------------   -----------
WEB 01 Replicating Normal Primary 300          HV1           Microsoft Azure 443
SQL01  Suspended   Warning Primary 300         HV1           Microsoft Azure 443
""",
    """ Volume in drive D is VMs
 Directory of D:\\VMs\\SQL01

11/21/2026  09:12 AM    32,215,400,448 SQL01.hrl
               1 File(s) 32,215,400,448 bytes
               0 Dir(s)  21,474,836,480 bytes free
""",
    (
        '"(PDH-CSV 4.0)","\\\\HV1\\Hyper-V 가상 저장소 장치(d:-vms-sql01_c.vhdx)\\쓰기 바이트/초"\n'
        '"11/21/2026 10:00:00.123","3145728.0"\n"11/21/2026 10:10:00.123","3145728.0"\n'
    ),
    """복제 상태: 복제 일시 중지됨
현재 복제본 서버: Microsoft Azure
복제 상태: 위험
성공한 복제 주기: 145개 중 0개(0%)
""",
    """VMName Name Enabled PrimaryStatusDescription SecondaryStatusDescription
------ ---- ------- ------------------------ --------------------------
WEB01  VSS  True    No Contact
""",
    """  TCP    10.0.0.5:51234         52.239.148.1:443       SYN_SENT
 [cbengine.exe]
  TCP    10.0.0.5:51236         52.239.148.9:443       ESTABLISHED
 [svchost.exe]
""",
    (
        '[\n  {\n    "VMName": "SQL01",\n    "State": "Suspended",\n    "Health": "Warning",\n'
        '    "PrimaryServer": "HV1"\n  }\n]\n'
    ),
)


def test_a_name_with_a_space_does_not_shift_the_columns() -> None:
    web, sql = (fact for fact in read(LISTINGS[0]) if isinstance(fact, VmReplication))

    assert (web.vm, web.state, web.health, web.to_azure) == (
        "WEB 01",
        "replicating",
        "normal",
        True,
    )
    assert (sql.vm, sql.state) == ("SQL01", "paused")


def test_the_room_left_stands_below_a_folder_listing() -> None:
    (log,) = (fact for fact in read(LISTINGS[1]) if isinstance(fact, ChangeLog))

    assert (log.path, log.size) == ("D:\\VMs\\SQL01\\SQL01.hrl", 32_215_400_448)
    assert log.free == 21_474_836_480


def test_a_translated_counter_is_a_write_rate() -> None:
    (rate,) = (fact for fact in read(LISTINGS[2]) if isinstance(fact, WriteRate))

    assert rate.average == 3_145_728
    assert rate.lasted == timedelta(minutes=10)


def test_korean_calls_state_and_health_by_one_word() -> None:
    (shown,) = (fact for fact in read(LISTINGS[3]) if isinstance(fact, VmReplication))

    assert (shown.state, shown.health) == ("paused", "critical")
    assert (shown.good, shown.cycles) == (0, 145)


def test_an_integration_service_may_be_on_and_silent() -> None:
    (service,) = (fact for fact in read(LISTINGS[4]) if isinstance(fact, IntegrationService))

    assert (service.enabled, service.status) == (True, "silent")


def test_wide_letters_do_not_hide_the_backup_service() -> None:
    text = """VMName Name  Enabled PrimaryStatusDescription SecondaryStatusDescription
------ ----  ------- ------------------------ --------------------------
WEB01  게스트 서비스 인터페이스 False   확인
WEB01  VSS                    False   확인
"""

    (service,) = (fact for fact in read(text) if isinstance(fact, IntegrationService))

    assert (service.vm, service.enabled) == ("WEB01", False)
    assert service.span.first == 4


def test_only_connections_of_the_engine_count() -> None:
    (connection,) = (fact for fact in read(LISTINGS[5]) if isinstance(fact, AgentConnection))

    assert (connection.remote, connection.state) == ("52.239.148.1", "opening")


def test_a_state_is_found_where_columns_are_lost_or_cut() -> None:
    text = """VMName State Health Mode FrequencySec PrimaryServer
------ ----- ------ ---- ------------ -------------
SQL01 WaitingForStartResynchronize Critical Primary 300 HV1
FILE01 InitialReplicationInProg... Normal Primary 300 HV1
"""

    shown = [(one.state, one.health) for one in read(text) if isinstance(one, VmReplication)]

    assert shown == [("resync-required", "critical"), ("initial", "normal")]


def test_a_stopped_agent_alone_is_not_about_replication() -> None:
    catalogue = load()
    reading = Reading(catalogue)
    listing = "Status   Name       DisplayName\n------   ----       -----------\nStopped  obengine   Agent\n"

    reading.read([from_text("services.txt", listing)])

    found = {one.cause for one in diagnose(catalogue, reading).found}
    assert "hyperv.recovery-agent-stopped" not in found


def test_json_of_powershell_is_read() -> None:
    states = {fact.state for fact in read(LISTINGS[6]) if isinstance(fact, VmReplication)}

    assert states == {"paused"}


@given(
    st.sampled_from(LISTINGS),
    st.integers(0, 700),
    st.sampled_from(["utf-8", "utf-16", "cp949"]),
    st.booleans(),
)
def test_damaged_input_never_raises(text: str, cut: int, encoding: str, windows: bool) -> None:
    whole = text.replace("\n", "\r\n") if windows else text

    read(whole.encode(encoding, "replace")[:cut])


@given(st.sampled_from(LISTINGS), st.randoms())
def test_shuffled_lines_never_raise_and_excerpts_stay_true(text: str, random: object) -> None:
    lines = text.split("\n")
    random.shuffle(lines)  # type: ignore[attr-defined]  # hypothesis gives a Random
    shuffled = "\n".join(lines)

    facts = read(shuffled)

    for fact in facts:
        there = "\n".join(lines[fact.span.first - 1 : fact.span.last])
        assert there.startswith(fact.span.excerpt)
