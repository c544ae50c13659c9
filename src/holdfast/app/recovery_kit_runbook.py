"""The runbook of a recovery kit: what to do, in order, when only the recovery hosts are left.

Built of plain blocks, so that the text and the page say the same; in the language that is spoken.
"""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from holdfast.app.recovery_kit import Kit, KitMachine, KitPlan, plan_files
from holdfast.app.recovery_kit_file import STATE_FILE
from holdfast.base.texts import N_, _
from holdfast.base.units import format_duration


class Shape(StrEnum):
    TITLE = "title"
    HEADING = "heading"
    PART = "part"
    TEXT = "text"
    POINT = "point"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class Block:
    shape: Shape
    text: str


WHYS = {
    "look": N_("See what the site can start it from, and how old that is."),
    "fail-over": N_(
        "Start it. By --source-is-down you say that it runs nowhere else any more: switch its old "
        "host off, or pull its network, before you type this. Two that run at once write to two "
        "different sets of disks."
    ),
    "change-point": N_(
        "If what came up is not good: another point, this one or any that `holdfast failover "
        "status` shows. What it wrote since is lost."
    ),
    "commit": N_("When it is good: keep it. Other points go, and their room is free."),
    "reprotect": N_(
        "When its old host is there again: let that follow. Only what differs is sent there."
    ),
    "fail-back": N_("When both are in step: bring it home, without loss."),
}


def blocks(kit: Kit) -> Iterator[Block]:
    yield Block(Shape.TITLE, _("Recovery kit"))
    made = _("Made on {host} at {time}. What is in it was true then.")
    time = kit.made_at.strftime("%Y-%m-%d %H:%M %Z")
    yield Block(Shape.TEXT, made.format(host=kit.made_on, time=time))
    if kit.server:
        yield Block(Shape.TEXT, _("The server was reached at {url}.").format(url=kit.server))
    yield from _first(kit)
    yield from _sites(kit)
    yield from _plans(kit)
    for machine in kit.machines:
        yield from _machine(machine)
    yield from _server(kit)


def _first(kit: Kit) -> Iterator[Block]:
    yield Block(Shape.HEADING, _("Before anything else"))
    for text in (
        _("None of this needs the server. Everything is typed on the hosts, as root."),
        _("Make sure that what you are about to start does not run any more where it was."),
        _("The same command typed again goes on where it stopped, whatever happened to it."),
        _("`holdfast failover undo VM` takes a failover back until it is committed."),
    ):
        yield Block(Shape.POINT, text)
    if kit.contacts:
        yield Block(Shape.HEADING, _("Whom to call"))
        for contact in kit.contacts:
            yield Block(Shape.POINT, contact)


def _sites(kit: Kit) -> Iterator[Block]:
    yield Block(Shape.HEADING, _("Hosts that have replicas"))
    if not kit.sites:
        yield Block(Shape.TEXT, _("There is none."))
    for site in kit.sites:
        text = _("{site}: host {host}, reached at {address}:{port}, replicas in {folder}")
        told = {"site": site.name, "host": site.host, "address": site.address}
        yield Block(Shape.POINT, text.format(**told, port=site.port, folder=site.folder))
    for host, networks in kit.networks.items():
        for old, new in networks.items():
            text = _("On {host} what was connected to {old} is connected to {new}")
            yield Block(Shape.POINT, text.format(host=host, old=old, new=new))


def _machine(machine: KitMachine) -> Iterator[Block]:
    yield Block(Shape.HEADING, machine.name)
    text = _("Ran on {host}; its replica is at {site} on {site_host}. UUID {vm}.")
    told = {"host": machine.runs_on, "site": machine.site, "site_host": machine.site_host}
    yield Block(Shape.TEXT, text.format(**told, vm=machine.vm))
    if machine.newest_at is not None:
        newest = machine.newest_at.strftime("%Y-%m-%d %H:%M:%S %Z")
        text = _("The site had {count} points then, the newest of {time}.")
        yield Block(Shape.TEXT, text.format(count=machine.points, time=newest))
    if machine.every:
        text = _("A new one came every {every}: so much is lost, and what was not sent yet.")
        every = format_duration(machine.every)
        yield Block(Shape.TEXT, text.format(every=every))
    for step in machine.steps:
        mark = _("Later, or if it is needed.") if step.is_optional else ""
        why = f"{_(WHYS[step.why])} {mark}".strip()
        yield Block(Shape.PART, _("On {host}: {why}").format(host=step.host, why=why))
        yield Block(Shape.COMMAND, shlex.join(step.words))


def _plans(kit: Kit) -> Iterator[Block]:
    if not kit.plans:
        return
    yield Block(Shape.HEADING, _("Recovery plans"))
    text = _(
        "A plan starts its machines in their order, in place of the commands of each. Unpack this "
        "kit (`holdfast recovery-kit show FILE --to DIR`) and type in that folder:"
    )
    yield Block(Shape.TEXT, text)
    for file, plan in plan_files(kit.plans).items():
        yield Block(Shape.PART, _plan_text(plan))
        yield Block(Shape.COMMAND, shlex.join(("holdfast", "plan", "apply", file)))
        words = ("holdfast", "plan", "run", plan.name, "--unplanned", "--source-is-down")
        yield Block(Shape.COMMAND, shlex.join(words))


def _plan_text(plan: KitPlan) -> str:
    if plan.host:
        return _("{plan}, on {host}, which may have it still:").format(
            plan=plan.name, host=plan.host
        )
    return _(
        "{plan}, which the server kept: on the host that has the replicas of all of its machines. "
        "Where they lie on several hosts, start them one by one in the order it has."
    ).format(plan=plan.name)


def _server(kit: Kit) -> Iterator[Block]:
    if not kit.has_state:
        return
    yield Block(Shape.HEADING, _("Afterwards: the server again"))
    text = _("Its state is in this kit, sealed with the same passphrase. On a new machine:")
    yield Block(Shape.TEXT, text)
    yield Block(Shape.COMMAND, f"holdfast server import {STATE_FILE}")
    yield Block(Shape.COMMAND, "holdfast server run")
    text = _(
        "Give it the name and address of the old one: hosts come back by themselves, with their "
        "certificates, and tell where each machine runs now."
    )
    yield Block(Shape.TEXT, text)
