"""Logs whose records begin with a time and a level, of no product in particular."""

import re

from holdfast.doctor.log_format import LogFormat, iso_time
from holdfast.doctor.readers_registry import log

LEVELLED = log(
    LogFormat(
        stream="levelled",
        heads=(
            re.compile(
                r"(?P<when>\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)\s+"
                r"(?:\[?(?P<level>DEBUG|INFO|WARN(?:ING)?|ERROR|FATAL|CRITICAL)\]?:?\s+)?(?P<text>.*)"
            ),
        ),
        when=iso_time,
        is_common=True,
    )
)
