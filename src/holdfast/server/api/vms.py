"""Virtual machines: told by agents, shown to people."""

from fastapi import APIRouter

from holdfast.app.control import vms
from holdfast.app.control.vms import HostedVm, VmView
from holdfast.fleet.messages import VmsTold
from holdfast.server.callers import Machine, Person, ThePlane
from holdfast.server.paging import Page, Paging

router = APIRouter(tags=["virtual machines"])


@router.put("/agent/vms", status_code=204)
def tell(plane: ThePlane, machine: Machine, told: VmsTold) -> None:
    """Every virtual machine of the host: those not named are gone."""
    vms.take_vms(plane, machine, told)


@router.get("/machines/{machine_id}/vms")
def list_vms(plane: ThePlane, person: Person, machine_id: str, window: Paging) -> Page[VmView]:
    """As the host's agent saw them last, sorted by name."""
    return vms.list_vms(plane, person, machine_id, window)


@router.get("/machines/{machine_id}/vms/{uuid}")
def show_vm(plane: ThePlane, person: Person, machine_id: str, uuid: str) -> HostedVm:
    return vms.show_vm(plane, person, machine_id, uuid)


@router.get("/vms")
def list_all_vms(
    plane: ThePlane, person: Person, window: Paging, vault: str | None = None
) -> Page[HostedVm]:
    """On every host one may look at, sorted by name."""
    return vms.list_all_vms(plane, person, window, vault=vault)
