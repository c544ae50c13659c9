"""Where drills and their runs are kept on the host that has the replicas.

HOME/drills/UUID/drill.json   runs/TRIAL.json   runs/TRIAL.png
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from holdfast.machines.state_files import replace_file
from holdfast.recovery.drills.drill import Drill, DrillRun
from holdfast.recovery.drills.drill_errors import DrillUnreadable
from holdfast.recovery.trial import Trial

FOLDER = "drills"
_DRILL, _RUNS = "drill.json", "runs"
# A drill each week for four years.
MOST_RUNS = 200


class DrillFolder:
    """The drill of one machine."""

    def __init__(self, home: str, vm: str) -> None:
        self.vm = vm
        self.path = Path(home, FOLDER, vm)

    def load(self) -> Drill | None:
        try:
            return msgspec.json.decode((self.path / _DRILL).read_bytes(), type=Drill)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as err:
            raise DrillUnreadable(path=self.path / _DRILL, reason=err) from err

    def save(self, drill: Drill) -> Drill:
        """Durable when this returns."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(self.path / _DRILL, _text(drill))
        return drill

    def forget(self) -> None:
        """Its runs stay: they are what can be shown of the past."""
        (self.path / _DRILL).unlink(missing_ok=True)

    def runs(self) -> list[DrillRun]:
        """The oldest first; one that does not read must not hide the others."""
        found = filter(None, map(_read_run, sorted((self.path / _RUNS).glob("*.json"))))
        return sorted(found, key=lambda run: (run.trial.begun_at, run.trial.id))

    def run(self, trial: str) -> DrillRun | None:
        return _read_run(self.path / _RUNS / f"{trial}.json")

    def save_run(self, run: DrillRun) -> DrillRun:
        folder = self.path / _RUNS
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(folder / f"{run.trial.id}.json", _text(run))
        return run

    def picture(self, trial: str) -> bytes | None:
        try:
            return (self.path / _RUNS / f"{trial}.png").read_bytes()
        except OSError:
            return None

    def save_picture(self, trial: str, content: bytes) -> None:
        replace_file(self.path / _RUNS / f"{trial}.png", content)

    def follow(self, trial: Trial) -> None:
        """What has become of a test since its drill wrote it down last."""
        run = self.run(trial.id)
        if run is not None and run.trial != trial:
            self.save_run(msgspec.structs.replace(run, trial=trial))

    def forget_old(self) -> None:
        for run in self.runs()[:-MOST_RUNS]:
            for path in (self.path / _RUNS).glob(f"{run.trial.id}.*"):
                path.unlink(missing_ok=True)


def drilled_here(home: str) -> list[str]:
    """The UUIDs of machines that have a drill, or had one."""
    return sorted(path.name for path in Path(home, FOLDER).glob("*") if path.is_dir())


def drills_here(home: str) -> Iterator[Drill]:
    """Those that read; the others are told of by whoever asks for them by name."""
    for vm in drilled_here(home):
        with contextlib.suppress(DrillUnreadable):
            drill = DrillFolder(home, vm).load()
            if drill is not None:
                yield drill


def _read_run(path: Path) -> DrillRun | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=DrillRun)
    except (OSError, msgspec.DecodeError):
        return None


def _text(what: Drill | DrillRun) -> bytes:
    return msgspec.json.format(msgspec.json.encode(what), indent=2) + b"\n"
