"""The process of one step of a plan, begun by whoever drives the run."""

import sys

from holdfast.cli.lean import leave
from holdfast.cli.main import main

if __name__ == "__main__":
    leave(main(sys.argv[1:]))
