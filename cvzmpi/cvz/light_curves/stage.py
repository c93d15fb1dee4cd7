"""The stages of the work on a light curve."""

from __future__ import annotations

from enum import Enum


class Stage(str, Enum):
    """A stage, in the order of the work; the checkpoint of a sector file is the last one done.

    The members are strings, as they stand in files.
    """

    DOWNLOAD = "download"
    DETECT = "detect"
    MODEL = "model"
    INJECT = "inject"

    __hash__ = str.__hash__

    def __str__(self) -> str:
        return self.value

    @property
    def n_before(self) -> int:
        """Number of stages before it."""
        return list(Stage).index(self)
