"""A commit: what runs here stays, and the points it could have been changed to go.

The newest point stays as well where another one was promoted: what was written between the two is
what the old home has and this host has not, and only its layers tell of it when it is reprotected.
"""

from collections.abc import Sequence

from holdfast.base.texts import ngettext
from holdfast.recovery.acts import Step
from holdfast.recovery.promoting import Place
from holdfast.recovery.record_folder import RecordFolder
from holdfast.replication.settings import PointPolicy

# Only the newest, and what is pinned.
_NO_OTHERS = PointPolicy(hours=0, most=1)


def committing_steps(place: Place, folder: RecordFolder) -> Sequence[Step]:
    def do() -> str:
        if place.site.state(folder.vm) is None:
            return ""
        gone = place.site.thin(folder.vm, _NO_OTHERS)
        return ngettext("{count} point", "{count} points", gone).format(count=gone)

    return (Step(name="points", do=do),)
