"""The container image, built as the how-to builds it, and its server at work in it.

Upon a bare Debian of our own in place of a registry's; nothing of this work tree is in reach of it.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.bare_root import carry_settings, environment, folders_of_pip, system
from holdfast.testing.waiting import wait_until

ROOT = Path(__file__).parents[2]
FILE = ROOT / "packaging" / "container" / "Containerfile"
NOT_COMMITTED = (".git", ".venv", ".work", "dist", "__pycache__", ".*_cache", ".hypothesis")
_BASE, _IMAGE = "localhost/bare", "localhost/holdfast"
_LOOK = """\
id -u
stat -c '%a %U %n' /var/lib/holdfast /vaults
holdfast --version
"""
# With a network of its own: other servers listen at that port on this machine.
_ALONE = (
    *("unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--"),
    *("sh", "-c", 'ip link set lo up && exec "$@"', "sh"),
)

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(os.geteuid() != 0, reason="a root of its own needs root"),
]


@dataclass(frozen=True, slots=True)
class Images:
    """Kept below `folder`, with layers that are plain folders: it works on any file system."""

    folder: Path

    def words(self, *words: str | Path) -> list[str]:
        places = ["--root", self.folder / "store", "--runroot", self.folder / "run"]
        return [str(word) for word in ("buildah", *places, "--storage-driver", "vfs", *words)]

    def run(self, *words: str | Path) -> str:
        done = subprocess.run(self.words(*words), capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{words}: {done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done.stdout.strip()


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Images]:
    made = Images(tmp_path_factory.mktemp("images"))
    yield made
    made.run("rm", "--all")
    shutil.rmtree(made.folder)


@pytest.fixture(scope="module")
def container(images: Images) -> str:
    """One of the image, built from what would be committed."""
    base = images.folder / "base"
    kept = system(ROOT / ".work" / "bare", fresh=False)
    subprocess.run(["cp", "-a", "--reflink=auto", kept, base], check=True)
    carry_settings(base)
    subprocess.run(["chroot", base, "update-ca-certificates"], check=True, capture_output=True)
    bare = images.run("from", "scratch")
    images.run("add", "--quiet", bare, base, "/")
    images.run("commit", "--quiet", "--rm", bare, _BASE)
    shutil.rmtree(base)

    source = images.folder / "source"
    shutil.copytree(ROOT, source, symlinks=True, ignore=shutil.ignore_patterns(*NOT_COMMITTED))
    reach = [f"--volume={place}:{place}:ro" for place in folders_of_pip()]
    reach += [f"--env={name}={value}" for name, value in environment().items()]
    given = ["--isolation=chroot", "--network=host", "--format=docker", f"--build-arg=BASE={_BASE}"]
    images.run("build", *given, *reach, "--file", FILE, "--tag", _IMAGE, source)
    shutil.rmtree(source)
    return images.run("from", _IMAGE).splitlines()[-1]


def test_it_holds_the_package_and_is_nobody_in_particular(images: Images, container: str) -> None:
    said = images.run("run", "--isolation=chroot", container, "--", "sh", "-c", _LOOK)

    assert said.splitlines() == [
        "10001",
        "700 holdfast /var/lib/holdfast",
        "700 holdfast /vaults",
        "holdfast 0.1.0",
    ]


def test_its_server_answers_the_health_check(
    images: Images, container: str, tmp_path: Path
) -> None:
    inside = images.words("run", "--isolation=chroot", container, "--")
    found = re.search(r"(?m)^HEALTHCHECK [^\[]*CMD (\[.*\])$", FILE.read_text(encoding="utf-8"))
    assert found is not None
    probe = [*inside, *json.loads(found[1])]
    said = tmp_path / "said"

    with said.open("w") as out:
        served = [*_ALONE, *inside, "holdfast", "server", "run"]
        server = subprocess.Popen(served, stdout=out, stderr=out)
    try:
        there = ["nsenter", f"--target={server.pid}", "--net", "--"]
        wait_until(lambda: _is_well([*there, *probe]), within=120)
    finally:
        server.kill()
        server.wait()

    assert "The first account is `admin`" in said.read_text(encoding="utf-8")


def _is_well(probe: list[str]) -> bool:
    return subprocess.run(probe, check=False, capture_output=True).returncode == 0
