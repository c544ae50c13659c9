"""The process of one scheduled drill, begun by `replication serve`; it is told the machine's UUID."""

import sys

from holdfast.cli.lean import leave
from holdfast.cli.main import main

if __name__ == "__main__":
    leave(main(["drill", "run", sys.argv[1], "--scheduled", "--json"]))
