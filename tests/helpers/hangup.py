"""A hang-up (SIGHUP) in tests: who runs them with nohup has it ignored, here and in every process that is started."""

import signal

import pytest

HANGUP = pytest.param("SIGHUP", marks=pytest.mark.skipif(
    signal.getsignal(signal.SIGHUP) is signal.SIG_IGN, reason="SIGHUP is ignored where the tests are run with nohup"))
