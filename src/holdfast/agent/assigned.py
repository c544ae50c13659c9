"""The assignments an agent works by: the last ones the server gave, on disk, so that it may be away."""

import contextlib
import os

import msgspec

from holdfast.fleet.messages import AssignedPolicy, Assignments

_NONE = Assignments(etag="", assignments=[])


class AssignedPolicies:
    """`policies.json`. Read by any thread, written by the one that talks to the server."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._now = _read(path)

    @property
    def etag(self) -> str:
        return self._now.etag

    @property
    def all(self) -> list[AssignedPolicy]:
        return self._now.assignments

    def find(self, assignment_id: str | None) -> AssignedPolicy | None:
        return next((one for one in self.all if one.id == assignment_id), None)

    def replace(self, fresh: Assignments) -> None:
        """Work by these from now on, and after the next start."""
        new = f"{self._path}.new"
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
            stream.write(msgspec.json.encode(fresh))
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(new, self._path)
        self._now = fresh

    def reread(self) -> None:
        self._now = _read(self._path)


def _read(path: str) -> Assignments:
    # What cannot be read is as if it were not there: its etag differs, so the server sends it again.
    with contextlib.suppress(OSError, msgspec.MsgspecError), open(path, "rb") as stream:
        return msgspec.json.decode(stream.read(), type=Assignments)
    return _NONE
