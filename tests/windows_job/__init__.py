"""What continuous integration does on a real Windows, and here against simulated hosts (`make ci-windows-dry`).

The steps of .github/workflows/windows.yml are calls of this package and of the scripts in setup/; the latter prepare what only
Windows has. Each step writes what it saw into one folder; at the end every guarantee of guarantees.yml is PROVEN, REFUTED or
NOT REACHED.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "helpers"))  # the lab's cases are read by the lab's own tests too
