"""Silence for libraries that log every failure with a traceback, and, at DEBUG, messages, which hold secrets."""

import logging

_NOTHING = logging.CRITICAL + 1


def silence_loggers(*libraries: str) -> None:
    """Let the loggers of `libraries` say nothing; what matters of their failures is in our errors."""
    for library in libraries:
        logger = logging.getLogger(library)
        if logger.level != _NOTHING:  # to set it clears what all loggers remember
            logger.setLevel(_NOTHING)
