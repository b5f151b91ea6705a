"""`jq` for the terminals of tests, the same on machines that have none: its library, with the flags that the pages use."""

import argparse
import json
import sys
from pathlib import Path

import jq

parser = argparse.ArgumentParser("jq")
parser.add_argument("-r", "--raw-output", action="store_true")
parser.add_argument("-c", "--compact-output", action="store_true")
parser.add_argument("filter")
parser.add_argument("files", nargs="*")
said = parser.parse_args()

text = "\n".join(Path(file).read_text(encoding="utf-8") for file in said.files) if said.files else sys.stdin.read()
try:
    for value in jq.compile(said.filter).input_text(text):
        raw = said.raw_output and isinstance(value, str)
        print(value if raw else json.dumps(value, indent=None if said.compact_output else 2, ensure_ascii=False,
                                           separators=(",", ":") if said.compact_output else None))
except ValueError as error:
    sys.exit(f"jq: error: {error}")
