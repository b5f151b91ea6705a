"""What Ansible itself answers, kept as data, so that tests need no Ansible."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "helpers"))  # the questions are those of the tests
