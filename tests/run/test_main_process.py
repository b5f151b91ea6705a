"""Which process decides, as those see it that work on hosts."""

from typing import Any

import pytest

from ringfence.run import main_process


class Main:
    def ask(self, question: str, *arguments: Any) -> Any:
        return question, arguments


def test_who_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main_process, "_main", [])
    assert main_process.main_process() is None  # this one
    for one in (Main(), Main()):
        main_process.works_for(one)
        assert main_process.main_process() is one
