"""What ringfence costs, each number beside its limit or its peer, measured in the same run: `python -m tests.bench`."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "helpers"))  # as pytest has it
