"""The bench is a package beside `src`; its pure parts are tested here."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))
