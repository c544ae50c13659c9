"""What lies where on a machine that Holdfast is installed on as a package."""

import gzip
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path

from holdfast.app import agent_install, up_units
from tools import man_pages

ROOT = Path(__file__).parent.parent
HOME = "/var/lib/holdfast"
PROGRAM = "/usr/bin/holdfast"
_LIBRARY = Path("usr/lib/holdfast")
_UNITS = Path("usr/lib/systemd/system")
_DOCS = Path("usr/share/doc/holdfast")
_COMPLETIONS = {
    "bash": Path("usr/share/bash-completion/completions/holdfast"),
    "zsh": Path("usr/share/zsh/vendor-completions/_holdfast"),
    "fish": Path("usr/share/fish/vendor_completions.d/holdfast.fish"),
}
_SCRIPT = """\
#!/usr/lib/holdfast/bin/python3 -I
from holdfast.cli.main import run

run()
"""
_ENVIRONMENT = """\
home = /usr/bin
include-system-site-packages = false
version = {version}
"""
# libvirt's binding belongs to the distribution, as libvirt does; without it these lead nowhere.
_DEBIANS = "/usr/lib/python3/dist-packages"
_BINDING = ("libvirt.py", "libvirt_qemu.py", "libvirtmod{suffix}", "libvirtmod_qemu{suffix}")
# Of no use to what runs, and a third of the whole.
_LEFT_OUT = ("tests", "*.pyi", "*.c", "*.h", "*.js.map", "include")
_EXCEPT = ("holdfast",)


def build(stage: Path, dependencies: Path) -> None:
    """Fill the empty folder from that environment, and from this work tree."""
    _copy_environment(stage / _LIBRARY, dependencies)
    site = next((stage / _LIBRARY / "lib").glob("python3.*")) / "site-packages"
    _unpack_wheel(site)
    _write(stage / _LIBRARY / "bin" / "holdfast", _SCRIPT, mode=0o755)
    (stage / "usr/bin").mkdir()
    (stage / "usr/bin/holdfast").symlink_to("../lib/holdfast/bin/holdfast")
    _borrow_binding(site, dependencies)
    _compile(stage, site / "holdfast")
    for name, unit in _units().items():
        _write(stage / _UNITS / name, unit)
    _write_manuals(stage)
    for shell, place in _COMPLETIONS.items():
        _write(stage / place, _said("completion", shell))
    _write(stage / "etc/holdfast/config.toml", _own("config.toml"))
    _document(stage, site)


def _copy_environment(library: Path, dependencies: Path) -> None:
    def left_out(folder: str, names: list[str]) -> set[str]:
        return set(shutil.ignore_patterns(*_LEFT_OUT)(folder, names)) - set(_EXCEPT)

    shutil.copytree(dependencies / "lib", library / "lib", symlinks=True, ignore=left_out)
    (library / "bin").mkdir()
    version = next((library / "lib").glob("python3.*")).name.removeprefix("python")
    (library / "bin" / "python3").symlink_to(f"/usr/bin/python{version}")
    _write(library / "pyvenv.cfg", _ENVIRONMENT.format(version=version))


def _unpack_wheel(site: Path) -> None:
    out = site.parent / "wheel"
    words = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    subprocess.run(words, check=True, cwd=ROOT, capture_output=True)
    (wheel,) = out.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    shutil.rmtree(out)


def _borrow_binding(site: Path, dependencies: Path) -> None:
    ask = "import sysconfig; print(sysconfig.get_config_var('EXT_SUFFIX'), end='')"
    words = [str(dependencies / "bin/python3"), "-c", ask]
    suffix = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    for name in _BINDING:
        file = name.format(suffix=suffix)
        (site / file).symlink_to(f"{_DEBIANS}/{file}")


def _compile(stage: Path, folder: Path) -> None:
    """By the Python that will read it, with the paths it will have, and the same each time."""
    python = str((stage / _LIBRARY / "bin" / "python3").readlink())
    how = ("-q", "-j", "0", "--invalidation-mode", "unchecked-hash")
    where = ("-s", str(stage), "-p", "/", str(folder))
    subprocess.run([python, "-m", "compileall", *how, *where], check=True, capture_output=True)


def _units() -> dict[str, str]:
    return {
        **agent_install.units(program=PROGRAM, home=HOME),
        **up_units.units(program=PROGRAM, home=HOME),
    }


def _write_manuals(stage: Path) -> None:
    manuals = stage / "usr/share/man"
    man_pages.write(manuals)
    for page in manuals.rglob("*.1"):
        _compress(page)


def _document(stage: Path, site: Path) -> None:
    docs = stage / _DOCS
    ignore = shutil.ignore_patterns("adr", "doctor.html")
    shutil.copytree(ROOT / "docs", docs / "docs", ignore=ignore)
    for name in ("README.md", "SECURITY.md"):
        shutil.copy(ROOT / name, docs / name)
    _write(docs / "changelog", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    _compress(docs / "changelog")
    _write(docs / "copyright", "".join(_licences(site)))


def _licences(site: Path) -> Iterator[str]:
    yield "Holdfast is under the Apache License 2.0: /usr/share/common-licenses/Apache-2.0\n\n"
    yield "In /usr/lib/holdfast it brings these along, whose texts lie beside them there:\n\n"
    for file in sorted(site.glob("*.dist-info/METADATA")):
        told = HeaderParser().parsestr(file.read_text(encoding="utf-8"))
        if told["Name"] != "holdfast":
            yield f"{told['Name']} {told['Version']}: {_licence(told)}\n"


def _licence(told: Message) -> str:
    classed = [line for line in told.get_all("Classifier", []) if line.startswith("License ::")]
    said = told["License-Expression"] or (told["License"] or "").strip().split("\n")[0]
    return str(said) or "; ".join(line.rsplit(" :: ", 1)[-1] for line in classed) or "see its files"


def _own(name: str) -> str:
    return (ROOT / "packaging" / "debian" / name).read_text(encoding="utf-8")


def _said(*words: str) -> str:
    command = [str(Path(sys.executable).with_name("holdfast")), *words]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout


def _compress(file: Path) -> None:
    with open(f"{file}.gz", "wb") as out, gzip.GzipFile("", "wb", 9, out, mtime=0) as packed:
        packed.write(file.read_bytes())
    file.unlink()


def _write(file: Path, content: str, *, mode: int = 0o644) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content, encoding="utf-8")
    os.chmod(file, mode)
