"""A machine with a bare Debian 12 and nothing of ours, made anew from a copy that is kept.

with bare_machine(folder) as root:
    root.shell("git --version")

It reaches the package registries as this machine does: with its proxies, certificates, sources.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from holdfast.testing.own_root import OwnRoot, own_root

_SUITE = "bookworm"
_BROUGHT = "git,ca-certificates,python3"
_AUTHORITIES = "usr/local/share/ca-certificates"
# Where the repository that is cloned lies; nobody may write to it.
ORIGIN = "/srv/holdfast.git"


def system(folder: Path, *, fresh: bool) -> Path:
    """Debian's own bare system, fetched once."""
    kept, part = folder / "system", folder / "part"
    if fresh:
        shutil.rmtree(kept, ignore_errors=True)
    if not kept.exists():
        shutil.rmtree(part, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        mirror = [uri for uri, suite in _sources() if suite == _SUITE][:1]
        words = ["debootstrap", "--variant=minbase", f"--include={_BROUGHT}"]
        subprocess.run([*words, _SUITE, str(part), *mirror], check=True, capture_output=True)
        part.rename(kept)
    return kept


@contextlib.contextmanager
def bare_machine(folder: Path, origin: Path) -> Iterator[OwnRoot]:
    """A copy of the system for the block; `origin` is a bare repository to clone."""
    with tempfile.TemporaryDirectory(prefix="machine-", dir=folder) as place:
        files = Path(place) / "files"
        words = ["cp", "-a", "--reflink=auto", str(folder / "system"), str(files)]
        subprocess.run(words, check=True)
        carry_settings(files)
        shutil.copytree(origin, files / ORIGIN.lstrip("/"))
        with own_root(folder=files, kept=folders_of_pip(), environment=environment()) as root:
            root.run("update-ca-certificates")
            yield root


def environment() -> dict[str, str]:
    """How this machine says where packages come from."""
    return {
        name: value
        for name, value in os.environ.items()
        if name.lower().endswith("_proxy") or name.startswith("PIP_")
    }


def carry_settings(files: Path) -> None:
    for name in ("resolv.conf", "hosts", "pip.conf"):
        with contextlib.suppress(FileNotFoundError):
            shutil.copy(Path("/etc", name), files / "etc" / name)
    with contextlib.suppress(FileNotFoundError):
        shutil.copytree(Path("/", _AUTHORITIES), files / _AUTHORITIES, dirs_exist_ok=True)
    apt = files / "etc" / "apt"
    sources = [f"deb {uri} {suite} main\n" for uri, suite in _sources()]
    if any(f" {_SUITE} " in line for line in sources):
        (apt / "sources.list").write_text("".join(sources), encoding="utf-8")
    (apt / "apt.conf.d" / "90carried").write_text(settings_of_apt(), encoding="utf-8")


def settings_of_apt() -> str:
    """The way out, and that of somebody who says yes when asked."""
    proxies = [line for line in _said(["apt-config", "dump"]) if "::Proxy" in line]
    return "\n".join([*proxies, 'APT::Get::Assume-Yes "true";']) + "\n"


def _sources() -> list[tuple[str, str]]:
    """Whence and which release, as far as Debian's own are known here."""
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)"]
    said = _said([*asked, "Origin: Debian", "Component: main", "Created-By: Packages"])
    found = sorted({tuple(line.split()) for line in said})
    return [(one[0], one[1]) for one in found if one[1].startswith(_SUITE)]


def folders_of_pip() -> list[str]:
    """What its settings name on this machine: folders of wheels, and indexes in files."""
    words = " ".join(_said(["python3", "-m", "pip", "config", "list"])).replace("'", " ").split()
    indexes = [
        str(Path(word.removeprefix("file://")).parent) for word in words if "file://" in word
    ]
    wheels = [word for word in words if word.startswith("/")]
    return sorted({place for place in (*indexes, *wheels) if Path(place).is_dir()})


def _said(words: Iterable[str]) -> list[str]:
    done = subprocess.run([*words], check=False, capture_output=True, text=True)
    return done.stdout.splitlines()
