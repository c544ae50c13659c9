"""The guest extension in a real guest, through nothing but its agent."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.base.clock import SystemClock
from holdfast.hypervisor.console import Console
from holdfast.hypervisor.domains import Domain
from holdfast.machines.extension import bundle
from holdfast.machines.extension.errors import (
    ExtensionAgentBlocked,
    ExtensionAgentNotReady,
    ExtensionBusy,
    ExtensionHooksFailed,
)
from holdfast.machines.extension.hooks import ExtensionHooks, HookLimits
from holdfast.machines.extension.in_guest import InGuest
from holdfast.machines.extension.states import State
from holdfast.machines.freezing import quiet
from holdfast.machines.points import Consistency
from holdfast.machines.stillness import Stilled
from holdfast.testing.guests import Guest
from holdfast.testing.hosts import KvmHost
from holdfast.testing.waiting import wait_until
from tests.machines_bench import MARKS

pytestmark = MARKS
PATIENCE = 120.0
APP = "/etc/holdfast/hooks.d/app"
SETTINGS = "/etc/holdfast/hooks.json"


@pytest.fixture
def extension(lasting_domain: Domain, lasting_guest: Guest) -> Iterator[InGuest]:
    lasting_guest.wait_up()
    guest = InGuest(lasting_domain, SystemClock())
    guest.install()
    yield guest
    lasting_guest.wait_up()
    guest.remove(force=True)
    lasting_guest.run("rm -rf /etc/holdfast /run/told")


def hook(guest: Guest, script: str) -> None:
    guest.run(f"printf '#!/bin/sh\\n{script}\\n' >{APP} && chmod 700 {APP}")


def settings(guest: Guest, content: str) -> None:
    guest.run(f"echo '{content}' >{SETTINGS} && chmod 600 {SETTINGS}")


def one_point(domain: Domain, home: Path) -> Stilled:
    hooks = ExtensionHooks(InGuest(domain, SystemClock()))
    stillness = quiet(domain, SystemClock(), home=str(home), hooks=hooks)
    with stillness.held():
        pass
    return stillness.outcome()


def codes(stilled: Stilled) -> list[str]:
    return [reason.code for reason in stilled.downgrades]


def test_extension_comes_goes_and_mends_itself(extension: InGuest, lasting_guest: Guest) -> None:
    again = extension.install()
    lasting_guest.run(f"echo '# changed' >>{bundle.FOLDER}/extension")
    changed = extension.status()
    mended = extension.install()
    ready = extension.status()
    removed = extension.remove()

    assert (again, mended, removed) == (False, True, True)
    assert (changed.state, changed.reason) == (State.NOT_READY, "other-version")
    assert (ready.state, ready.version) == (State.READY, bundle.version())
    assert extension.status().state is State.ABSENT
    assert lasting_guest.run("ls -d /var/lib/holdfast /run/holdfast-extension || true") == ""


def test_hook_that_says_so_makes_an_application_point(
    extension: InGuest, lasting_guest: Guest, lasting_domain: Domain, tmp_path: Path
) -> None:
    hook(lasting_guest, "echo $1 >>/run/told")

    stilled = one_point(lasting_domain, tmp_path)

    assert (stilled.consistency, stilled.downgrades) == (Consistency.APPLICATION, ())
    assert lasting_guest.run("cat /run/told").split() == ["pre", "post"]
    assert extension.hooks() == ("hooks.d/app",)
    assert stilled.agent is not None
    assert stilled.agent.extension == bundle.version()


@pytest.mark.parametrize(
    ("script", "reason"),
    [("echo no room; exit 1", "no room"), ("sleep 600", "not ended after 1 s")],
)
def test_hook_that_fails_or_hangs_costs_the_class_and_not_the_point(
    extension: InGuest,
    lasting_guest: Guest,
    lasting_domain: Domain,
    tmp_path: Path,
    *,
    script: str,
    reason: str,
) -> None:
    hook(lasting_guest, f"[ $1 = post ] && exit; {script}")
    settings(lasting_guest, '{"timeoutInSeconds": 1}')

    stilled = one_point(lasting_domain, tmp_path)

    assert (stilled.consistency, codes(stilled)) == (Consistency.FILESYSTEM, ["hook-failed"])
    assert reason in stilled.downgrades[0].reason
    assert extension.status().state is State.FAILED


def test_owner_may_want_no_point_at_all_then(
    extension: InGuest, lasting_guest: Guest, lasting_domain: Domain, tmp_path: Path
) -> None:
    hook(lasting_guest, "exit 1")
    settings(lasting_guest, '{"continueBackupOnFailure": false}')

    with pytest.raises(ExtensionHooksFailed):
        one_point(lasting_domain, tmp_path)

    assert lasting_guest.ask("guest-fsfreeze-status") == "thawed"
    assert extension.status().operation is None


def test_second_operation_is_told_who_holds_the_first(
    extension: InGuest, lasting_guest: Guest, lasting_domain: Domain, tmp_path: Path
) -> None:
    hook(lasting_guest, "true")
    first = ExtensionHooks(extension, HookLimits(guard_seconds=600))
    first.before()

    second = one_point(lasting_domain, tmp_path)
    with pytest.raises(ExtensionBusy, match=r"process \d+"):
        extension.remove()
    status = extension.status()

    assert (second.consistency, codes(second)) == (Consistency.FILESYSTEM, ["extension-busy"])
    assert (status.state, status.operation and status.operation.what) == (
        State.TRANSITIONING,
        "backup",
    )
    assert first.after().downgrades == ()


def test_operation_that_does_not_begin_is_given_up(
    extension: InGuest, lasting_guest: Guest, lasting_domain: Domain, tmp_path: Path
) -> None:
    hook(lasting_guest, "true")
    # Whole, but what it reads first never ends.
    lasting_guest.run(f"mv {bundle.FOLDER}/lock.sh /run/lock.sh; mkfifo {bundle.FOLDER}/lock.sh")
    lasting_guest.run(f"(cat /run/lock.sh >{bundle.FOLDER}/lock.sh) </dev/null >/dev/null 2>&1 &")
    hooks = ExtensionHooks(extension, HookLimits(start_seconds=2))
    stillness = quiet(lasting_domain, SystemClock(), home=str(tmp_path), hooks=hooks)

    with stillness.held():
        pass

    lasting_guest.run(f"rm {bundle.FOLDER}/lock.sh; mv /run/lock.sh {bundle.FOLDER}/lock.sh")
    assert stillness.outcome().consistency == Consistency.FILESYSTEM
    assert codes(stillness.outcome()) == ["extension-start-timed-out"]


def test_agent_that_is_gone_or_forbidden_to_start_programs_is_told_apart(
    extension: InGuest,
    lasting_guest: Guest,
    lasting_domain: Domain,
    kvm_host: KvmHost,
    tmp_path: Path,
) -> None:
    # The console's lock lies there on the host.
    kvm_host.run("mkdir", "-p", "/run/lock")
    command = lasting_guest.run("tr '\\0' ' ' </proc/$(pidof qemu-ga)/cmdline").strip()

    with Console(lasting_domain) as console:
        console.write(b"\nkillall qemu-ga\n")
        wait_until(lambda: not lasting_guest.answers(), within=PATIENCE)
        with pytest.raises(ExtensionAgentNotReady):
            extension.status()
        gone = one_point(lasting_domain, tmp_path)
        console.write(f"\n{command} -b guest-exec &\n".encode())
        wait_until(lasting_guest.answers, within=PATIENCE)
        with pytest.raises(ExtensionAgentBlocked, match="guest-exec"):
            extension.status()
        blocked = one_point(lasting_domain, tmp_path)
        console.write(b"\nkillall qemu-ga; sleep 1; /etc/agent &\n")
        wait_until(lambda: may_start_programs(lasting_guest), within=PATIENCE)

    assert (gone.consistency, codes(gone)) == (Consistency.CRASH, ["guest-agent-silent"])
    assert (blocked.consistency, codes(blocked)) == (Consistency.CRASH, ["agent-blocks"])


def may_start_programs(guest: Guest) -> bool:
    import libvirt

    try:
        known = guest.ask("guest-info")["supported_commands"]
    except libvirt.libvirtError:
        return False
    return any(one["name"] == "guest-exec" and one["enabled"] for one in known)
