"""The Debian package, built and installed for real: in a root of its own, without this work tree."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.testing.own_root import OwnRoot, own_root
from tools import debian_package

ROOT = Path(__file__).parents[2]
DEPENDENCIES = ROOT / ".work" / "packaged" / "tree"

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root"),
    pytest.mark.skipif(not DEPENDENCIES.exists(), reason="./run package brings the dependencies"),
]
SETTINGS = Path("/etc/holdfast/config.toml")
# In place of the one that has no service manager behind it here; what it was told is kept.
_SYSTEMCTL = """\
mkdir -p /run/systemd/system
printf '#!/bin/sh\\necho "$@" >> /run/told\\n' > /usr/local/sbin/systemctl
chmod +x /usr/local/sbin/systemctl
"""
# A server that starts with the machine, an agent that does not, a unit and settings of one's own.
_IN_USE = """\
cd /etc/systemd/system && mkdir -p multi-user.target.wants holdfast-agent.service.d
ln -s /lib/systemd/system/holdfast-server.service multi-user.target.wants/
printf '[Service]\\nNice=5\\n' > holdfast-agent.service.d/own.conf
echo 'lang = "ko"' > /etc/holdfast/config.toml
mkdir -p /var/lib/holdfast/server && echo dear > /var/lib/holdfast/server/key
"""
_STANDING = """\
cd /etc/systemd/system && find -L . -name '*holdfast*' -o -name own.conf | sort
cat holdfast-agent.service.d/own.conf /etc/holdfast/config.toml
ls -lR --time-style=full-iso /var/lib/holdfast /backup/vault
"""
HERE = {"HOLDFAST_VAULT": "/backup/vault", "HOLDFAST_PASSPHRASE_FILE": "/root/vault.passphrase"}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return debian_package.build(
        DEPENDENCIES, tmp_path_factory.mktemp("package"), compression="none"
    )


@pytest.fixture(scope="module")
def root(package: Path) -> Iterator[OwnRoot]:
    """A machine on which it is installed, and nothing else of ours."""
    with own_root(
        hidden=(str(ROOT), "/backup", "/var/lib/holdfast"), kept=(package.parent,)
    ) as root:
        root.run("umount", "/var/lib/holdfast")
        install(root, package)
        yield root


def install(root: OwnRoot, package: Path) -> None:
    root.run("dpkg", "--force-unsafe-io", "--force-confold", "--install", package)


def test_command_backs_up_and_proves_what_it_restores(root: OwnRoot) -> None:
    root.shell("umask 077; echo 'a passphrase, long enough' > /root/vault.passphrase")
    root.run("holdfast", "vault", "create", "--lab", more=HERE)
    root.run("holdfast", "backup", "/etc/apt", "/etc/dpkg", more=HERE)

    said = root.run("holdfast", "restore", "latest", "--to", "/tmp/back", "--verify", more=HERE)

    assert "proved every byte" in said.stdout
    root.run("diff", "-r", "--no-dereference", "/etc/apt", "/tmp/back/etc/apt")


def test_nothing_is_started_or_enabled_unasked(root: OwnRoot) -> None:
    enabled = root.shell("find /etc/systemd /run/systemd -name '*holdfast*' 2>/dev/null || true")
    running = root.run("ps", "-eo", "args=").stdout

    assert enabled.stdout == ""
    assert "holdfast" not in running.replace("holdfast.testing", "")


def test_what_was_installed_is_what_lies_there_after_use(root: OwnRoot) -> None:
    root.run("holdfast", "version")

    assert root.run("dpkg", "--verify", "holdfast").stdout == ""


def test_systemd_finds_no_fault_in_its_units(root: OwnRoot) -> None:
    names = ("server.service", "agent.service", "backup@srv.service", "backup@srv.timer")

    done = root.run(
        *("systemd-analyze", "verify", "--man=no"), *(f"holdfast-{name}" for name in names)
    )

    assert done.stdout + done.stderr == ""


def test_shell_completes_commands(root: OwnRoot) -> None:
    script = "/usr/share/bash-completion/completions/holdfast"

    said = root.shell(
        f". {script}; COMP_WORDS=(holdfast resto) COMP_CWORD=1; "
        "_holdfast_completion holdfast; echo ${COMPREPLY[@]}"
    )

    assert said.stdout.split() == ["restore"]


def test_manual_pages_lie_where_man_looks(root: OwnRoot) -> None:
    listed = root.run("dpkg", "-L", "holdfast").stdout.splitlines()

    for page in ("man1/holdfast.1.gz", "man1/holdfast-vault-create.1.gz", "ko/man1/holdfast.1.gz"):
        assert f"/usr/share/man/{page}" in listed
    assert (
        "holdfast\\-vault\\-create \\- "
        in root.shell("zcat /usr/share/man/man1/holdfast-vault-create.1.gz").stdout
    )


def test_licences_of_all_it_brings_are_named(root: OwnRoot) -> None:
    told = root.path("/usr/share/doc/holdfast/copyright").read_text(encoding="utf-8")

    brought = [line for line in told.splitlines() if ": " in line and line[0].isalnum()]
    assert len(brought) > 40
    assert [line for line in told.splitlines() if line.endswith(": see its files")] == []


def test_upgrade_keeps_settings_and_data_and_restarts_what_runs(
    root: OwnRoot, package: Path
) -> None:
    root.shell(_SYSTEMCTL)
    root.path(str(SETTINGS)).write_text('lang = "ko"\n', encoding="utf-8")
    root.shell("mkdir -p /var/lib/holdfast/vault; echo dear > /var/lib/holdfast/vault/key")

    install(root, package)

    assert root.path(str(SETTINGS)).read_text(encoding="utf-8") == 'lang = "ko"\n'
    assert root.path("/var/lib/holdfast/vault/key").read_text() == "dear\n"
    told = root.path("/run/told").read_text(encoding="utf-8").splitlines()
    assert told == [
        "daemon-reload",
        "try-restart holdfast-server.service holdfast-agent.service",
    ]


def test_a_newer_version_takes_the_place_of_an_older_one(
    package: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Two versions, each built and installed; of the service manager there is a stand-in."""
    folder = tmp_path_factory.mktemp("older")
    older = debian_package.build(DEPENDENCIES, folder, compression="none", release="0.0.1")
    with own_root(
        hidden=(str(ROOT), "/backup", "/var/lib/holdfast"), kept=(package.parent, folder)
    ) as root:
        root.run("umount", "/var/lib/holdfast")
        root.shell(_SYSTEMCTL)
        install(root, older)
        root.shell(_IN_USE)
        root.shell("umask 077; echo 'a passphrase, long enough' > /root/vault.passphrase")
        root.run("holdfast", "vault", "create", "--lab", more=HERE)
        root.run("holdfast", "backup", "/etc/apt", more=HERE)
        before = root.shell(_STANDING).stdout
        root.shell("rm /run/told")

        install(root, package)

        shown = root.run("dpkg-query", "--show", "--showformat=${Version} ${Status}", "holdfast")
        assert not shown.stdout.startswith("0.0.1")
        assert shown.stdout.endswith("install ok installed")
        assert root.shell(_STANDING).stdout == before
        # What runs is started again; nothing was stopped, enabled or disabled.
        assert root.path("/run/told").read_text(encoding="utf-8").splitlines() == [
            "daemon-reload",
            "try-restart holdfast-server.service holdfast-agent.service",
        ]
        root.run("holdfast", "restore", "latest", "--to", "/tmp/b", "--verify", more=HERE)
        root.run("diff", "-r", "--no-dereference", "/etc/apt", "/tmp/b/etc/apt")
        assert (
            root.run("dpkg", "--verify", "holdfast").stdout
            == "??5?????? c /etc/holdfast/config.toml\n"
        )


def test_removal_and_purge_keep_data(package: Path) -> None:
    with own_root(hidden=(str(ROOT),), kept=(package.parent,)) as root:
        root.run("rm", "-rf", "/var/lib/holdfast")
        root.shell(_SYSTEMCTL)
        install(root, package)
        begun = root.path("/run/told").read_text(encoding="utf-8").splitlines()
        root.shell("rm -r /run/systemd /usr/local/sbin/systemctl")
        root.shell("mkdir -p /var/lib/holdfast/vault; echo dear > /var/lib/holdfast/vault/key")
        root.shell("holdfast agent install; ls /etc/systemd/system/holdfast-agent.service")

        root.run("dpkg", "--remove", "holdfast")
        left = root.shell("command -v holdfast; ls /etc/systemd/system", status=None).stdout
        purged = root.run("dpkg", "--purge", "holdfast")

        assert begun == ["daemon-reload"]
        assert "holdfast" not in left
        assert not root.path(str(SETTINGS)).exists()
        assert not root.path("/usr/lib/holdfast").exists()
        assert root.path("/var/lib/holdfast/vault/key").read_text() == "dear\n"
        assert "/var/lib/holdfast stays" in purged.stderr
