"""Virtual machines of the tests' own: small, real, up in seconds, and always the same.

guest = Guest(host, "web")                       # two disks of 64 MiB, ext4 on /a and /b, an agent
guest.start()                                    # comes back when its agent answers
guest.run("echo kept >/a/note && sync")          # -> "": what the command wrote to its output

A variant is a `Recipe`: Recipe(format="raw"), Recipe(writer="ordered"), Recipe(agent=False).
What the ordered writer has left on the disks is judged by guest_proofs.
"""

import base64
import contextlib
import copy
import json
import shutil
import subprocess  # noqa: TID251  images are made by programs
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from holdfast.testing.guest_image import GuestImage, guest_image
from holdfast.testing.guest_scripts import FILESYSTEM_SIZE, UP
from holdfast.testing.guest_xml import Definition
from holdfast.testing.hosts import PATIENCE, KvmHost
from holdfast.testing.waiting import wait_until

_DISKS = ("vda", "vdb")
_MEBIBYTE = 1 << 20
_BOOTING = 240.0  # an emulated processor on a machine that has much else to do
_ANSWER = 60  # seconds an agent may take for one answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What a guest is made of; the default is what most virtual machines are."""

    format: Literal["qcow2", "raw"] = "qcow2"
    compat: Literal["1.1", "0.10"] = "1.1"
    disks: int = 2
    disk_size: int = 64 * _MEBIBYTE
    agent: bool = True
    writer: Literal["busy", "ordered"] | None = None
    # Each start is counted in /a/boots.
    counts_boots: bool = False
    uefi: bool = False
    # An emulated one, by swtpm.
    tpm: bool = False
    memory: int = 128 * _MEBIBYTE

    @property
    def needed_memory(self) -> int:
        """The firmware that is UEFI does not start a kernel in less."""
        return max(self.memory, 256 * _MEBIBYTE) if self.uefi else self.memory


class GuestCommandFailed(Exception):
    """A command in a guest ended with a status other than zero."""


@dataclass(slots=True)
class Guest:
    """Its disks and its definition are there at once; it does not run yet."""

    host: KvmHost
    name: str
    recipe: Recipe = field(default_factory=Recipe)
    uuid: str = field(default_factory=lambda: str(uuid.uuid4()))
    # None: that of the tests.
    image: GuestImage | None = None

    def __post_init__(self) -> None:
        self.folder.mkdir()
        for target in self.targets:
            self._make_disk(target)
        with self.host.connected() as connection:
            connection.defineXML(self._xml())

    @property
    def targets(self) -> tuple[str, ...]:
        return _DISKS[: self.recipe.disks]

    @property
    def folder(self) -> Path:
        return self.host.images / self.name

    def disk(self, target: str) -> Path:
        return self.folder / f"{target}.{self.recipe.format}"

    @property
    def console(self) -> Path:
        """What it has written to its serial line, over all of its starts."""
        return self.folder / "console.log"

    @property
    def nvram(self) -> Path:
        return self.folder / "nvram.fd"

    @property
    def tpm_state(self) -> Path:
        """The folder with what its TPM keeps, seen from here."""
        return self.host.folder / "state" / "swtpm" / self.uuid

    @contextlib.contextmanager
    def domain(self) -> Iterator[Any]:
        """The object of libvirt's, for as long as the block lasts."""
        with self.host.connected() as connection:
            yield connection.lookupByUUIDString(self.uuid)

    def start(self) -> None:
        before = self._times_up()
        with self.domain() as domain:
            domain.create()
        self.wait_up(times=before + 1)

    def wait_up(self, *, times: int = 1) -> None:
        """Until it has come up that many times, and its agent answers if it has one."""
        try:
            wait_until(lambda: self._times_up() >= times, within=_BOOTING)
            if self.recipe.agent:
                wait_until(self.answers, within=_BOOTING)
        except AssertionError as err:
            raise AssertionError(f"{self.name} is not up: {self._said()[-2000:]}") from err

    def answers(self) -> bool:
        import libvirt

        try:
            self.ask("guest-ping")
        except libvirt.libvirtError:
            return False
        return True

    def is_running(self) -> bool:
        with self.domain() as domain:
            return bool(domain.isActive())

    def suspend(self) -> None:
        with self.domain() as domain:
            domain.suspend()

    def resume(self) -> None:
        with self.domain() as domain:
            domain.resume()

    def shut_down(self) -> None:
        """In order, as its owner would."""
        self.ask_to_shut_down()
        wait_until(lambda: not self.is_running(), within=PATIENCE)

    def ask_to_shut_down(self) -> None:
        import libvirt

        with self.domain() as domain:
            try:
                domain.shutdown()
            except libvirt.libvirtError:
                # The agent may be gone before it has answered: libvirt then looks for the button.
                if domain.isActive():
                    raise

    def at(self, host: KvmHost) -> "Guest":
        """The same machine once it is on another host, to be asked there; its owner removes it."""
        there = copy.copy(self)
        there.host = host
        return there

    def pull_the_plug(self) -> None:
        """SIGKILL to its QEMU."""
        self.host.kill_guest(self.name)
        wait_until(lambda: not self.is_running(), within=PATIENCE)

    def remove(self) -> None:
        """Whatever it does now; its disks and what libvirt knows of it go."""
        import libvirt

        flags = libvirt.VIR_DOMAIN_UNDEFINE_NVRAM | libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
        flags |= libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
        with contextlib.suppress(libvirt.libvirtError), self.domain() as domain:
            if domain.isActive():
                domain.destroy()
            domain.undefineFlags(flags)
        shutil.rmtree(self.folder)

    def ask(self, command: str, **arguments: object) -> Any:
        """A command of the agent's protocol; the answer of the agent."""
        import libvirt_qemu

        words = json.dumps({"execute": command, "arguments": arguments})
        with self.domain() as domain:
            return json.loads(libvirt_qemu.qemuAgentCommand(domain, words, _ANSWER, 0))["return"]

    def run(self, script: str) -> str:
        """A shell script in the guest, to its end; what it wrote to its output."""
        arguments = {"path": "/bin/sh", "arg": ["-c", script], "capture-output": True}
        pid = self.ask("guest-exec", **arguments)["pid"]
        status: dict[str, Any] = {}

        def has_ended() -> bool:
            status.update(self.ask("guest-exec-status", pid=pid))
            return bool(status["exited"])

        wait_until(has_ended, within=PATIENCE)
        if status.get("exitcode") != 0:
            raise GuestCommandFailed(script, status.get("exitcode"), _text(status, "err-data"))
        return _text(status, "out-data")

    def checksum(self, target: str) -> str:
        """Of the whole disk, as the guest sees it."""
        return self.run(f"sha256sum </dev/{target}").split()[0]

    def _times_up(self) -> int:
        return self._said().count(UP)

    def _said(self) -> str:
        try:
            return self.console.read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def _make_disk(self, target: str) -> None:
        raw = self.folder / f"{target}.raw"
        with raw.open("wb") as made:
            made.truncate(self.recipe.disk_size)
        size = f"{FILESYSTEM_SIZE // 1024}k"
        _call("mke2fs", "-q", "-F", "-t", "ext4", "-L", f"guest-{target}", raw, size)
        if self.recipe.format == "qcow2":
            options = f"compat={self.recipe.compat}"
            _call("qemu-img", "convert", "-O", "qcow2", "-o", options, raw, self.disk(target))
            raw.unlink()

    def _xml(self) -> str:
        recipe = self.recipe
        words = ["console=ttyS0", "quiet", "panic=-1", "mitigations=off"]
        words += [] if recipe.agent else ["agent=no"]
        words += [f"writer={recipe.writer}"] if recipe.writer else []
        words += ["boots=count"] if recipe.counts_boots else []
        return Definition(
            name=self.name,
            uuid=self.uuid,
            image=self.image or guest_image(),
            words=words,
            memory=recipe.needed_memory,
            disks=[(target, recipe.format, self.disk(target)) for target in self.targets],
            console=self.console,
            agent=recipe.agent,
            nvram=self.nvram if recipe.uefi else None,
            tpm=recipe.tpm,
        ).xml()


def _text(status: dict[str, Any], stream: str) -> str:
    return base64.b64decode(status.get(stream, "")).decode(errors="replace")


def _call(*words: str | Path) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603  our own words
    if done.returncode:
        raise RuntimeError(f"{words}: {done.stderr}")
