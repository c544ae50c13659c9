"""Jobs as the server has them: those of all machines one may see, and orders for them."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Protocol, TypeVar
from urllib.parse import urlencode

import msgspec

from holdfast.app.control.registration_errors import MachineUnknown
from holdfast.app.jobs_errors import JobAmbiguous, JobUnknown, MachineAmbiguous
from holdfast.app.jobs_view import Detail, Job, Line, Wanted
from holdfast.fleet.paging import make_cursor

_T = TypeVar("_T")
_PAGE = 200
# So many of the newest jobs are looked through for a beginning of an id.
_LOOKED_THROUGH = 1000
_WHOLE_ID = 16


class Client(Protocol):
    """The server, under somebody's token."""

    def get(self, path: str) -> Any: ...

    def post(self, path: str, body: Any = None) -> Any: ...


class ServerJobs:
    def __init__(self, client: Client) -> None:
        self._client = client

    def listed(self, wanted: Wanted) -> list[Job]:
        query: dict[str, Any] = {"kind": list(wanted.kinds), "state": list(wanted.states)}
        if wanted.machine is not None:
            query["machine"] = self.machine_id(wanted.machine)
        if wanted.since is not None:
            query["since"] = wanted.since.isoformat()
        return list(islice(self._pages("/jobs", query, Job), wanted.latest))

    def show(self, job_id: str) -> Detail:
        return msgspec.convert(self._client.get(f"/jobs/{self.whole_id(job_id)}"), Detail)

    def lines(self, job_id: str, *, after: int) -> list[Line]:
        cursor = make_cursor([str(after)]) if after else None
        return list(self._pages(f"/jobs/{self.whole_id(job_id)}/lines", {}, Line, after=cursor))

    def order(self, machine: str, kind: str, arguments: dict[str, Any], *, hours: float) -> Job:
        body = {"kind": kind, "arguments": arguments, "wait_hours": hours}
        made = self._client.post(f"/machines/{self.machine_id(machine)}/jobs", body)
        return msgspec.convert(made, Job)

    def cancel(self, job_id: str) -> Job:
        return msgspec.convert(self._client.post(f"/jobs/{self.whole_id(job_id)}/cancel"), Job)

    def retry(self, job_id: str) -> Job:
        return msgspec.convert(self._client.post(f"/jobs/{self.whole_id(job_id)}/retry"), Job)

    def whole_id(self, beginning: str) -> str:
        """Of the job that begins so; people type as much of it as they need."""
        if len(beginning) >= _WHOLE_ID:
            return beginning
        jobs = islice(self._pages("/jobs", {}, Job), _LOOKED_THROUGH)
        found = [job.id for job in jobs if job.id.startswith(beginning)]
        if not found:
            raise JobUnknown(job=beginning)
        if len(found) > 1 and beginning not in found:
            raise JobAmbiguous(job=beginning, jobs=", ".join(found[:5]))
        return beginning if beginning in found else found[0]

    def machine_id(self, machine: str) -> str:
        """Of the machine of this name or id."""
        named = self._client.get(_asked("/machines", {"name": machine}))["items"]
        found = [one["id"] for one in named if one["name"] == machine]
        if len(found) > 1:
            raise MachineAmbiguous(machine=machine, machines=", ".join(found))
        if found:
            return str(found[0])
        everything = self._client.get(_asked("/machines", {"limit": 1000}))["items"]
        if any(one["id"] == machine for one in everything):
            return machine
        raise MachineUnknown(machine=machine)

    def _pages(
        self, path: str, query: Mapping[str, Any], kind: type[_T], *, after: str | None = None
    ) -> Iterator[_T]:
        while True:
            asked = {**query, "limit": _PAGE, **({"after": after} if after else {})}
            page = self._client.get(_asked(path, asked))
            yield from (msgspec.convert(item, kind) for item in page["items"])
            after = page["next"]
            if after is None:
                return


def _asked(path: str, query: Mapping[str, Any]) -> str:
    return f"{path}?{urlencode(query, doseq=True)}"
