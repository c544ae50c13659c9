import msgspec
import pytest

from holdfast.hypervisor.agent_answers import Filesystem, Info, Program, System


def test_program_that_ended_is_told_with_what_it_wrote() -> None:
    answer = b'{"exited":true,"exitcode":3,"out-data":"aGVsbG8=","err-data":"IQ=="}'

    ended = msgspec.json.decode(answer, type=Program).told()

    assert (ended.status, ended.out, ended.err) == (3, b"hello", b"!")
    assert not ended.is_truncated


def test_program_killed_by_a_signal_has_its_number_below_zero() -> None:
    answer = b'{"exited":true,"signal":9,"out-truncated":true}'

    ended = msgspec.json.decode(answer, type=Program).told()

    assert ended.status == -9
    assert ended.is_truncated


def test_commands_that_are_switched_off_are_not_told() -> None:
    answer = (
        b'{"version":"7.2.22","supported_commands":['
        b'{"name":"guest-ping","enabled":true,"success-response":true},'
        b'{"name":"guest-exec","enabled":false,"success-response":true}]}'
    )

    info = msgspec.json.decode(answer, type=Info).told()

    assert info.version == "7.2.22"
    assert info.commands == {"guest-ping"}


def test_agent_of_an_old_guest_says_less() -> None:
    filesystem = msgspec.json.decode(
        b'{"name":"vda1","mountpoint":"/","type":"ext4","disk":[]}', type=Filesystem
    ).told()
    system = msgspec.json.decode(b'{"id":"mswindows"}', type=System).told()

    assert (filesystem.device, filesystem.used_bytes) == ("vda1", None)
    assert (system.name, system.kernel) == ("mswindows", None)


@pytest.mark.parametrize(
    "answer", [b"{}", b'{"exited":"yes"}', b'{"exited":true,"out-data":"%"}', b"[", b"7"]
)
def test_answers_of_a_guest_are_not_trusted(answer: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(answer, type=Program)
