"""Files a report is written into: whole, or as they were."""

import contextlib
import os

from holdfast.base.errors import HoldfastError
from holdfast.base.texts import N_


class ReportUnwritable(HoldfastError):
    code = "planner-report-unwritable"
    sentence = N_("{file} cannot be written: {reason}")
    remedy = N_("Name a file in a folder that is there and belongs to you.")


def write_report_file(file: str, content: str) -> None:
    partial = f"{file}.partial"
    try:
        with open(partial, "w", encoding="utf-8", newline="") as stream:
            stream.write(content)
        os.replace(partial, file)
    except OSError as err:
        with contextlib.suppress(OSError):
            os.unlink(partial)
        raise ReportUnwritable(file=file, reason=err.strerror or err) from err
