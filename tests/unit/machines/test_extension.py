"""What a look at a guest's extension means; a guest may say anything."""

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.machines.extension import bundle
from holdfast.machines.extension.hook_runs import read_hooks
from holdfast.machines.extension.in_guest import busy
from holdfast.machines.extension.settings import HookSettings, read_settings
from holdfast.machines.extension.states import State, read_status

WHOLE = b"installed 60\nversion 1\ndigest d\n"


@pytest.mark.parametrize(
    ("said", "state", "reason"),
    [
        (b"", "absent", ""),
        (b"staging 3\n", "transitioning", "install"),
        (b"staging 4000\n", "not-ready", "interrupted"),
        (WHOLE, "ready", ""),
        (WHOLE + b"staging 4000\n", "ready", ""),
        (WHOLE.replace(b"digest d", b"digest e"), "not-ready", "other-version"),
        (b"installed 60\n", "not-ready", "other-version"),
        (WHOLE + b"operation 12 backup 34\n", "transitioning", "backup"),
        (WHOLE + b"last 5 ok \n", "ready", ""),
        (WHOLE + b"last 5 failed hook app pre 1 20 no room\n", "failed", "failed"),
        (WHOLE + b"last 5 late \n", "failed", "late"),
    ],
)
def test_state_follows_from_what_was_seen(said: bytes, state: str, reason: str) -> None:
    status = read_status(said, digest="d")

    assert (status.state, status.reason) == (state, reason)


def test_status_names_holder_age_and_the_hook_that_failed() -> None:
    said = WHOLE + b"operation 12 backup 34\nlast 5 failed hook app pre 1 20 no room\n"

    status = read_status(said, digest="d")

    assert status.operation is not None
    assert (status.operation.pid, status.operation.age) == ("12", timedelta(seconds=34))
    assert status.last is not None
    assert (status.last.ago, status.last.hook) == (timedelta(seconds=5), "app pre: no room")
    assert status.age == timedelta(minutes=1)


@given(st.binary(max_size=200))
def test_no_answer_of_a_guest_breaks_the_look(said: bytes) -> None:
    status = read_status(said, digest="d")

    assert status.state in State
    assert busy(said.decode(errors="replace"), about="web").code == "extension-busy"


def test_settings_have_the_keys_and_limits_of_the_original() -> None:
    content = b"""{"preScriptLocation": "/opt/pre.sh", "preScriptParams": ["a b"],
        "postScriptLocation": "/opt/post.sh", "timeoutInSeconds": 1800, "fsFreezeEnabled": false}"""

    settings = read_settings(content)

    assert settings.plan().decode().splitlines() == [
        "timeout 1800",
        "pre-retries 0",
        "post-retries 0",
        "pre-script /opt/pre.sh",
        "post-script /opt/post.sh",
        "pre-param a b",
    ]
    assert (settings.fsFreezeEnabled, settings.continueBackupOnFailure) == (False, True)


@pytest.mark.parametrize(
    "wrong",
    [
        {"timeoutInSeconds": 1801},
        {"timeoutInSeconds": 0},
        {"pollSeconds": 6},
        {"preScriptLocation": "relative.sh"},
        {"preScriptLocation": "/a\nguard 1"},
        {"postScriptParams": ["two\nlines"]},
        {"timeoutInSecond": 10},
    ],
)
def test_settings_out_of_bounds_are_refused_with_a_reason(wrong: dict[str, object]) -> None:
    status = read_status(WHOLE + b"config ok\n" + msgspec.json.encode(wrong), digest="d")

    assert status.refused != ""
    assert status.settings == HookSettings()


def test_hooks_are_read_and_other_lines_passed_over() -> None:
    hooks = read_hooks(["hook a pre 0 12 fine", "guard 9", "hook b post 3 4 ", "hook c"])

    assert [str(hook) for hook in hooks] == ["a pre: fine", "b post: status 3"]


def test_digest_is_of_all_files() -> None:
    assert len(bundle.digest()) == 64
    assert all(bundle.content(name) for name in bundle.NAMES)
