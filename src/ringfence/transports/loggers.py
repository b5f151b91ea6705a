"""Silence for libraries that log every failure with a traceback, and, at DEBUG, messages, which hold secrets."""

import logging


def silence_loggers(*libraries: str) -> None:
    """Let the loggers of `libraries` say nothing; what matters of their failures is in our errors."""
    for library in libraries:
        logging.getLogger(library).setLevel(logging.CRITICAL + 1)
