"""What tests of a job's surroundings share."""

import logging

import pytest


@pytest.fixture(autouse=True)
def logger():
    """The logger of the package, which is as before once the test is over."""
    logger = logging.getLogger("cvzmpi")
    before = list(logger.handlers), logger.level, logging.raiseExceptions
    yield logger
    for handler in logger.handlers:
        handler.close()
    logger.handlers, logging.raiseExceptions = before[0], before[2]
    logger.setLevel(before[1])
