"""The finding of one check."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Level(str, Enum):
    """The weight of a finding; its value is the word that people see."""

    OK = "ok"
    NOTE = "note"
    """It works less well than it could, or would stop another campaign than this one."""
    PROBLEM = "problem"
    """The campaign does not work, or not correctly."""


@dataclass(frozen=True)
class Finding:
    """What a check found: `says` what there is, and `remedy` what to do where it is not ok."""

    level: Level
    says: str
    remedy: str = ""


def ok(says: str) -> Finding:
    """Find that something works."""
    return Finding(Level.OK, says)


def note(says: str, remedy: str = "") -> Finding:
    """Find something that this campaign can do without."""
    return Finding(Level.NOTE, says, remedy)


def problem(says: str, remedy: str) -> Finding:
    """Find something that keeps this campaign from working."""
    return Finding(Level.PROBLEM, says, remedy)
