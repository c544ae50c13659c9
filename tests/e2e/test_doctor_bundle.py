"""What is collected on a living host leads to the same findings elsewhere, and tells no secret."""

import gzip
import io
import json
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from holdfast.app.doctor import needed
from holdfast.doctor.loading import load
from holdfast.testing.guest_agent import Guest, guest, missing_for_guest
from tests.e2e.conftest import SCRIPT

if lacking := missing_for_guest():
    pytest.skip(lacking, allow_module_level=True)

CANARIES = ("canary-one-4711", "canary-two-4712", "canary-three-4713", "canary-four-4714")
# How busy the machine is differs from one moment to the next.
_PASSING = {"azure-vm.high-load", "azure-vm.low-memory"}


@pytest.fixture
def idle(tmp_path: Path) -> Iterator[Guest]:
    home = tmp_path / "home"
    seen = {"HOME": str(tmp_path), "LC_ALL": "C.UTF-8", "HOLDFAST_HOME": str(home)}
    with guest(seen) as one:
        yield one


@pytest.fixture
def broken(idle: Guest) -> Guest:
    """A guest whose agent has worked, but is stopped and may not run extensions."""
    idle.start_agent()
    idle.stop_agent()
    said = idle.conf.read_text()
    idle.conf.write_text(said.replace("Extensions.Enabled=y", "Extensions.Enabled=n"))
    return idle


def _collect(one: Guest, target: Path, *words: str, **seen: str) -> dict[str, Any]:
    done = one.run(SCRIPT, "doctor", "collect", "--to", target, *words, check=False, **seen)
    assert done.returncode == 0, done.stderr.decode()
    with tarfile.open(target) as archive:
        first = archive.next()
        assert first is not None
        assert first.name == "manifest.json"
        stream = archive.extractfile(first)
        assert stream is not None
        manifest: dict[str, Any] = json.load(stream)
        return manifest


def _elsewhere(path: Path, home: Path, *, status: int) -> Any:
    """Diagnose on this machine what another one handed over."""
    done = subprocess.run(
        [SCRIPT, "doctor", "diagnose", path, "--json"],
        env={"PATH": "/usr/bin:/bin", "HOME": str(home), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == status, done.stdout.decode() + done.stderr.decode()
    return json.loads(done.stdout)


def _essence(report: Any) -> list[tuple[Any, ...]]:
    """A report without what differs between two looks: numbers of processes, load."""
    kept: list[tuple[Any, ...]] = [
        (part, one["cause"], one.get("severity"), one.get("found"), *_seen(one))
        for part in ("findings", "consequences", "ruled_out", "unknown")
        for one in report[part]
        if one["cause"] not in _PASSING
    ]
    kept += [("missing", one["probe"], one["reason"]) for one in report["missing"]]
    rest = ("root", "exit_status", "not_applicable", "symptoms", "crashes")
    return [*sorted(kept), *((name, report[name]) for name in rest)]


def _seen(one: Any) -> list[tuple[str, str]]:
    """The proof, without lines of listings that change by themselves."""
    fleeting = ("ps ", "top ", "ss ", "df ", "/proc/", "own.scratch")
    return [
        (line["artefact"], line["excerpt"])
        for line in one.get("evidence", ())
        if not line["artefact"].startswith(fleeting)
    ]


def _live_and_replayed(broken: Guest, bundle: Path) -> tuple[Any, Any]:
    live = json.loads(broken.run(SCRIPT, "doctor", "--json", check=False).stdout)
    _collect(broken, bundle, "--keep-names")
    return live, _elsewhere(bundle, bundle.parent, status=1)


def test_bundle_leads_to_the_findings_of_the_host(broken: Guest, tmp_path: Path) -> None:
    live, replayed = _live_and_replayed(broken, tmp_path / "1.tar.gz")
    # A busy machine may be too late with one answer or other; hardly three times in turn.
    for again in (2, 3):
        if _essence(replayed) != _essence(live):
            live, replayed = _live_and_replayed(broken, tmp_path / f"{again}.tar.gz")

    assert {one["cause"] for one in live["findings"]} >= {
        "waagent.not-running",
        "waagent.extensions-off",
    }
    assert _essence(replayed) == _essence(live)


def test_bundle_holds_what_causes_need_and_nothing_else(broken: Guest, tmp_path: Path) -> None:
    manifest = _collect(broken, tmp_path / "b.tar.gz")

    probes = {name for name, one in needed(load()).items() if one.platform in {"linux", "any"}}
    assert {entry["probe"] for entry in manifest["entries"]} == probes
    assert all("path" in one or one["reason"] for one in manifest["entries"])


def test_no_secret_of_the_host_is_in_the_bundle(broken: Guest, tmp_path: Path) -> None:
    with broken.conf.open("a", encoding="utf-8") as conf:
        conf.write(f"HttpProxy.Host=http://user:{CANARIES[0]}@proxy\n")
    with broken.log.open("a", encoding="utf-8") as log:
        log.write(f"2026-11-21T10:00:00.000000Z INFO Daemon Daemon token={CANARIES[1]}\n")
    broken.run("sh", "-c", f"sleep 60 --password={CANARIES[2]} || true")
    broken.run("sh", "-c", f"(exec -a 'tool --password={CANARIES[2]}' sleep 60) >&- 2>&- &")

    secret = {"AWS_SECRET_ACCESS_KEY": CANARIES[3], "HOLDFAST_PASSPHRASE": CANARIES[3]}
    manifest = _collect(broken, tmp_path / "b.tar.gz", **secret)

    text = gzip.decompress((tmp_path / "b.tar.gz").read_bytes())
    assert [one for one in CANARIES if one.encode() in text] == []
    assert manifest["redacted"]["secret"] >= 2


def test_bundle_says_why_something_is_not_in_it(idle: Guest, tmp_path: Path) -> None:
    slow = tmp_path / "bin" / "lsblk"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nsleep 60\n")
    slow.chmod(0o755)
    idle.log.write_text("")
    idle.log.chmod(0o600)
    tmp_path.chmod(0o777)
    for folder in tmp_path.parents:
        if folder.stat().st_mode & 0o001 == 0:
            folder.chmod(0o755)

    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", SCRIPT)
    path = f"{slow.parent}:/usr/bin:/bin"
    done = idle.run(
        *nobody, "doctor", "collect", "--to", tmp_path / "n.tar.gz", check=False, PATH=path
    )

    assert done.returncode == 0, done.stderr.decode()
    with tarfile.open(tmp_path / "n.tar.gz") as archive:
        stream = archive.extractfile("manifest.json")
        assert stream is not None
        entries = json.load(stream)["entries"]
    status = {one["probe"]: one["status"] for one in entries}
    assert status["linux.disks"] == "timed-out"
    assert status["linux.waagent.log"] == "refused"
    assert status["linux.azure.extension.log"] == "missing"
    assert status["linux.waagent.conf"] == "taken"


def test_archive_of_the_agent_itself_is_read(broken: Guest, tmp_path: Path) -> None:
    done = broken.run("waagent", "-collect-logs", check=False)
    made = broken.state / "logcollector" / "logs.zip"
    assert made.exists(), done.stdout.decode()
    (tmp_path / "logs.zip").write_bytes(made.read_bytes())

    report = _elsewhere(tmp_path / "logs.zip", tmp_path, status=1)

    assert report["root"] == "waagent.extensions-off"
    taken = {kind for one in report["looked_at"] for kind in one["taken_for"]}
    assert {"linux.waagent.log", "linux.waagent.conf"} <= taken


_SOS = {
    "etc/waagent.conf": ("cat", "/etc/waagent.conf"),
    "var/log/waagent.log": ("cat", "/var/log/waagent.log"),
    "proc/mounts": ("cat", "/proc/mounts"),
    "sos_commands/process/ps_auxwwwm": ("ps", "auxwwwm"),
    "sos_commands/process/ps_alxwww": ("ps", "alxwww"),
    "sos_commands/filesys/df_-al_-x_autofs": ("df", "-al", "-x", "autofs"),
    "sos_commands/filesys/df_-ali_-x_autofs": ("df", "-ali", "-x", "autofs"),
    "sos_commands/memory/free": ("free",),
    "sos_commands/networking/ip_route_show_table_all": ("ip", "route", "show", "table", "all"),
    "sos_commands/azure/waagent_-version": ("waagent", "-version"),
    "sos_commands/dpkg/dpkg_-l": ("dpkg", "-l"),
}


def test_archive_of_sos_is_read(broken: Guest, tmp_path: Path) -> None:
    broken.fill()
    with tarfile.open(tmp_path / "sosreport-guest.tar.xz", "w:xz") as archive:
        for name, command in _SOS.items():
            said = broken.run(*command, check=False).stdout
            member = tarfile.TarInfo(f"sosreport-guest-2026-11-21-abcdefg/{name}")
            member.size = len(said)
            archive.addfile(member, io.BytesIO(said))

    report = _elsewhere(tmp_path / "sosreport-guest.tar.xz", tmp_path, status=1)

    named = {one["cause"] for one in (*report["findings"], *report["consequences"])}
    assert named >= {"waagent.disk-full", "waagent.not-running", "waagent.extensions-off"}
    assert named & {"waagent.no-route", "waagent.not-installed", "waagent.conf-broken"} == set()
