"""Writes down which lines of the engine a process runs that a test has begun, as reach.py does of the test itself.

Python imports it where this folder is on its path. CHILDREN in the environment is the folder to write to, OF_TEST the test; where
there is none nothing is measured. What is killed tells nothing.
"""

import os

if "CHILDREN" in os.environ and "OF_TEST" in os.environ:
    import atexit
    import json
    import uuid
    from collections.abc import Callable
    from pathlib import Path
    from typing import NoReturn

    import coverage

    _FOLDER, _TEST, _ROOT = Path(os.environ["CHILDREN"]), os.environ["OF_TEST"], os.environ["ROOT"]
    _END: Callable[[int], NoReturn] = os._exit
    _COVERAGE = coverage.Coverage(data_file=None, config_file=False, include=[f"{_ROOT}/src/ringfence/*", f"{_ROOT}/modules/*"])

    def _told() -> None:
        _COVERAGE.stop()
        data = _COVERAGE.get_data()
        lines = {os.path.relpath(file, _ROOT): data.lines(file) for file in data.measured_files()}
        (_FOLDER / f"{uuid.uuid4().hex}.json").write_text(json.dumps({"test": _TEST, "lines": lines}), encoding="utf-8")

    def _ends_at_once(status: int) -> NoReturn:
        _told()
        _END(status)

    _COVERAGE.start()
    atexit.register(_told)
    os._exit = _ends_at_once
