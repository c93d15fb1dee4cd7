"""The kind of a failure: what its message says, but for the numbers, names and places in it."""

from __future__ import annotations

import re


def kind_of_failure(unit: str, message: str) -> str:
    """What is the same in the messages of all units that failed for one reason."""
    message = message.replace(unit, "")
    message = re.sub(r"\((rank|.*member) [^()]*\)$", "", message)  # where it failed
    message = re.sub(r"\S*/\S*", "/", message)  # paths
    return re.sub(r"\d+", "0", message)
