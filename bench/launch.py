"""Starts one command from a small process, and says what it used.

A program's peak memory as the kernel counts it begins with that of the process that started it.
Run as a script, with `-I -S`, this is an interpreter and nothing else: some 10 MB, which every
program measured here takes anyway. It writes two lines to the descriptor named first: the
command's number, and when that has ended its seconds, its peak in KiB and its exit code.
"""

import os
import signal
import sys
import time


def main() -> None:
    report, *argv = sys.argv[1:]
    told = int(report)
    os.set_inheritable(told, False)  # noqa: FBT003  it has no name
    # An interruption of the whole bench is for the bench to pass on.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    start = time.perf_counter()
    child = os.posix_spawnp(
        argv[0], argv, os.environ, setsigdef=[signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ]
    )
    os.write(told, f"{child}\n".encode())
    _, status, used = os.wait4(child, 0)
    seconds = time.perf_counter() - start
    code = os.waitstatus_to_exitcode(status)
    os.write(told, f"{seconds} {used.ru_maxrss} {code}\n".encode())


if __name__ == "__main__":
    main()
