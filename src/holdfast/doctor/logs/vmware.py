"""Logs of vCenter and of ESXi hosts: vpxd, vpxa, hostd, vmkernel, in the layouts of 5.x to 8."""

import re

from holdfast.doctor.log_format import LogFormat, iso_time
from holdfast.doctor.readers_registry import log

_ISO = r"(?P<when>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)?)"
_WORD = r"(?P<level>trivia|verbose|info|warning|error|panic)"
_WHO = r"(?P<who>hostd|vpxd|vpxa|Hostd|Vpxa|Vpxd|vpxd-svcs|rhttpproxy|fdm|vmkernel|vmkwarning)"

VMWARE = log(
    LogFormat(
        stream="vmware.log",
        heads=(
            # 6.0 and later: the level as a word, then the program with its thread.
            re.compile(rf"\s*{_ISO} {_WORD} {_WHO}\[\w+\] (?P<text>.*)"),
            # 7.0 and later on the host: In(166), Wa(164), Er(163) and the program.
            re.compile(
                rf"\s*{_ISO} (?P<level>Db|In|No|Wa|Er|Cr|Al|Em)\(\d+\) {_WHO}\[?\w*\]?: (?P<text>.*)"
            ),
            # 5.x: thread, level and part in brackets; as syslog: the host's name before.
            re.compile(rf"\s*{_ISO} \[\w+ {_WORD} '(?P<who>[^']*)'[^\]]*\] (?P<text>.*)"),
            re.compile(rf"\s*{_ISO} [\w.-]+ {_WHO}: (?:{_WORD} \w+\[\w+\] )?(?P<text>.*)"),
            re.compile(rf"\s*{_ISO} {_WHO}\[\w+\]: (?P<text>.*)"),
            # The kernel's own.
            re.compile(rf"\s*{_ISO} (?:\w+\(\d+\) vmkernel: )?(?P<who>cpu\d+:\d+)\)(?P<text>.*)"),
        ),
        when=iso_time,
        files=("vpxd*.log*", "hostd*.log*", "vpxa*.log*", "vmkernel*.log*", "vmkwarning*.log*"),
    )
)
